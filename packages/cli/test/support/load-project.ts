/** A project that loads into a PostgreSQL: a table of payments in a database of its own. */
import pg from "pg";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import { onTestFinished } from "vitest";
import { definitions } from "./bank.ts";
import { Project, type CommandResult } from "./project.ts";

export const PAYMENTS = `CREATE TABLE public.payments (
  id bigint PRIMARY KEY, "User ID" text NOT NULL, amount numeric(20, 4), rate float8,
  at timestamptz, local timestamp, day date, good boolean, raw bytea, extra jsonb)`;

export class LoadProject extends Project {
  readonly pool: pg.Pool;
  readonly url: string;

  private constructor(url: string) {
    super();
    this.url = url;
    this.pool = new pg.Pool({ connectionString: url });
    // a server that is ended says so to connections that are just closing, too
    this.pool.on("error", () => undefined);
    onTestFinished(() => this.pool.end());
  }

  /** `job`: the text of the configuration's member `load`. */
  static async over(
    job: string,
    {
      table = PAYMENTS,
      before = "",
      zone = "Asia/Ho_Chi_Minh",
    }: { readonly table?: string; readonly before?: string; readonly zone?: string } = {},
  ): Promise<LoadProject> {
    const project = new LoadProject((await ownDatabase()).url);
    await project.pool.query(table);
    project.write("features.ts", definitions);
    project.configure(job, before, zone);
    return project;
  }

  configure(job: string, before = "", zone = "Asia/Ho_Chi_Minh"): void {
    this.write(
      "tidemark.config.ts",
      `
import { defineConfig, env } from "@tidemark/cli";
import * as definitions from "./features.ts";
${before}
export default defineConfig({
  definitions, zone: ${JSON.stringify(zone)}, secrets: { database: env("PAYMENTS_URL") },
  load: { ${job} },
});
`,
    );
  }

  override run(...args: string[]): Promise<CommandResult> {
    process.env["PAYMENTS_URL"] = this.url;
    return super.run(...args);
  }

  /** As texts, so that no digit is lost. */
  async rows(columns = "*"): Promise<Record<string, string | null>[]> {
    const { rows } = await this.pool.query<Record<string, string | null>>({
      text: `SELECT ${columns} FROM public.payments ORDER BY id`,
      types: { getTypeParser: () => (text: unknown) => text as string } as never,
    });
    return rows;
  }

  async count(): Promise<number> {
    return Number(
      (await this.pool.query<{ n: string }>("SELECT count(*) AS n FROM public.payments")).rows[0]!
        .n,
    );
  }

  async days(): Promise<string[]> {
    return (
      await this.pool.query<{ day: string }>(
        "SELECT job || ' ' || date AS day FROM public.tidemark_loaded ORDER BY 1",
      )
    ).rows.map(({ day }) => day);
  }
}
