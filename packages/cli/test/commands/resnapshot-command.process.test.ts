/** `tidemark resnapshot` on real stores: SQLite and Delta, with recorded topics as the log. */
import { pathToFileURL } from "node:url";
import { openStore } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";

/** Gives one row, says so on stderr and waits for the signal. */
const held = (source, signal) => ({
  ...source,
  async *changes(options) {
    for await (const batch of source.changes(options)) {
      yield batch;
      process.stderr.write("reading\\n");
      const alive = setInterval(() => {}, 1_000);
      await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }).finally(() => clearInterval(alive));
    }
  },
});

export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: {
    bank: () => recordedTopic("topic.jsonl"),
    bank2: () => recordedTopic("snapshot.jsonl"),
    held: ({ signal }) => held(recordedTopic("snapshot.jsonl", { batchChanges: 1 }), signal),
  },
});
`;

type Mark = "first" | "true" | "last" | "false";

/** A topic of a second connector, whose database is at a lower LSN than the first. */
function snapshotOf(...rows: readonly (readonly [id: number, user: string, mark: Mark])[]): string {
  return rows
    .map(([id, user, mark], offset) => {
      const time = Date.parse("2027-01-01T00:00:00Z");
      const value = {
        before: null,
        after: {
          id,
          "User ID": user,
          Vendor: "Sport",
          Sources: "Card",
          Time: "2025-03-04 12:00:00",
          Amount: 2.5,
        },
        source: {
          connector: "postgresql",
          name: "multi",
          ts_ms: time,
          snapshot: mark,
          schema: "public",
          table: "transaction_data",
          lsn: 500,
        },
        op: mark === "false" ? "c" : "r",
        ts_ms: time,
      };
      return `${JSON.stringify({
        topic: "multi2.public.transaction_data",
        partition: 0,
        offset: String(offset),
        timestamp: String(time),
        key: JSON.stringify({ id }),
        value: JSON.stringify(value),
      })}\n`;
    })
    .join("");
}

const incomplete = snapshotOf([1, "user_000006", "first"], [900, "user_000900", "true"]);
const complete = snapshotOf(
  [1, "user_000006", "first"],
  [900, "user_000900", "true"],
  [901, "user_000900", "last"],
);

/** A project whose stores have taken the recording `multi`. */
async function bank(snapshot: string): Promise<Project> {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  project.write("snapshot.jsonl", snapshot);
  expect(await project.run("run", "--changes", "bank")).toMatchObject({ code: 0 });
  return project;
}

/** The number of rows in the window of each of three users. */
async function counts(project: Project): Promise<readonly number[]> {
  const definitions = (await import(pathToFileURL(project.path("features.ts")).href)) as Readonly<
    Record<string, never>
  >;
  const store = await openStore({
    definitions,
    online: sqliteOnlineStore(project.path("online.db")),
  });
  try {
    const answers: unknown = await store.getOnlineFeatures({
      features: definitions["weekly"]!,
      entities: ["user_000001", "user_000006", "user_000900"].map((user_id) => ({ user_id })),
      asOf: "2025-03-05T00:00:00Z",
    } as never);
    return (answers as readonly { readonly number: number }[]).map((answer) => answer.number);
  } finally {
    await store.close();
  }
}

const resnapshot = ["resnapshot", "transactions", "--changes", "bank2"] as const;

test("the command that SOURCE_LSN_WENT_BACK names brings the new rows", async () => {
  const project = await bank(complete);
  expect(await counts(project)).toEqual([4, 7, 0]);
  const refused = await project.run("run", "--changes", "bank2");
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /SOURCE_LSN_WENT_BACK: .*run tidemark resnapshot transactions, or call store\.resnapshot/,
    ) as string,
  });

  const { code, stdout, stderr } = await project.run(...resnapshot, "--json");
  expect([code, JSON.parse(stdout), stderr]).toEqual([
    0,
    { source: "transactions", changes: 3, messages: 3, notTaken: [], generation: 1 },
    "",
  ]);
  expect(await counts(project)).toEqual([0, 1, 2]);
  expect((await project.run(...resnapshot)).stdout).toMatch(
    /^transactions: the snapshot is complete, 3 changes of bank2 in .* s; snapshot generation 2\n$/,
  );
});

test("an incomplete snapshot keeps earlier rows, and a second run completes it", async () => {
  const project = await bank(incomplete);
  const first = await project.run(...resnapshot, "--json");
  expect(first).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Run tidemark resnapshot transactions") as string,
  });
  expect(JSON.parse(first.stdout)).toMatchObject({ error: { code: "SNAPSHOT_INCOMPLETE" } });
  expect(await counts(project)).toEqual([3, 8, 1]);
  expect((await project.run("status")).stdout).toMatch(/^source transactions: [^\n]*snapshot/);

  project.write("snapshot.jsonl", complete);
  expect(JSON.parse((await project.run(...resnapshot, "--json")).stdout)).toMatchObject({
    generation: 1,
  });
  expect(await counts(project)).toEqual([0, 1, 2]);
});

test("--ending source takes the end of the change source as the end of the snapshot", async () => {
  const project = await bank(incomplete);
  expect(await project.run(...resnapshot, "--ending", "source")).toMatchObject({ code: 0 });
  expect(await counts(project)).toEqual([0, 1, 1]);
});

test("SIGINT ends the command with 130 and the next step; the command then goes on", async () => {
  const project = await bank(complete);
  const { child, ended } = project.start(["resnapshot", "transactions", "--changes", "held"]);
  await child.printed("reading");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({
    code: 130,
    stdout: "",
    stderr: expect.stringMatching(
      /interrupted; the snapshot is not complete.*run it again to go on\n$/,
    ) as string,
  });
  expect(JSON.parse((await project.run(...resnapshot, "--json")).stdout)).toMatchObject({
    generation: 1,
  });
  expect(await counts(project)).toEqual([0, 1, 2]);
});

test("a command line without a source, or with an unknown source, says what to write", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.run("resnapshot", ...args);
    return `${code} ${stdout}${stderr}`;
  };
  expect(await refused("--changes", "bank2")).toMatch(
    /^2 tidemark resnapshot: say which source: tidemark resnapshot SOURCE\n/,
  );
  expect(await refused("transactions", "cards", "--changes", "bank2")).toMatch(
    /^2 tidemark resnapshot: "cards" belongs to no option\n/,
  );
  expect(await refused("transactions")).toMatch(
    /^2 .*--changes is missing: there are bank, bank2, held\n/,
  );
  expect(await refused("transaction", "--changes", "bank2")).toMatch(
    /^1 .*SOURCE_UNKNOWN: .*no source is called "transaction"; did you mean "transactions"/,
  );
  expect(await refused("transactions", "--changes", "bank3")).toMatch(
    /^1 .*CONFIG_INVALID: .*no change source is called "bank3"/,
  );
  expect(await refused("transactions", "--changes", "bank2", "--ending", "sources")).toMatch(
    /^2 .*--ending sources is none of marked, source/,
  );
});
