/** A PostgreSQL whose log can be decoded. */
import { execFile } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { dataFolder, freePorts, type Service, service } from "./process.ts";
import { postgresPrograms } from "./toolchain.ts";

const run = promisify(execFile);

export interface Postgres extends Service {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** There is none: whoever reaches the port of this machine is let in. */
  readonly password: string;
  readonly url: string;
}

export async function startPostgres({ settings = {} }: { readonly settings?: Readonly<Record<string, string>> } = {}): Promise<Postgres> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error("postgres: no programs of PostgreSQL on this machine; install postgresql, or name their folder in TIDEMARK_POSTGRES");
  const folder = dataFolder("postgres");
  const user = await unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const [port] = await freePorts(1) as [number];
  const all = { wal_level: "logical", listen_addresses: "127.0.0.1", unix_socket_directories: folder, timezone: "UTC", ...settings };
  const running = await service({
    name: "postgres", command: join(programs, "postgres"), args: ["-D", data, "-p", String(port), ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    prepare: () => run(join(programs, "initdb"), ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"], { cwd: folder, ...user }),
    cwd: folder, folder, user, stopSignal: "SIGINT", ready: (log) => log.includes("database system is ready to accept connections"),
  });
  const host = "127.0.0.1";
  return { ...running, host, port, user: "postgres", password: "postgres", database: "postgres", url: `postgres://postgres:postgres@${host}:${port}/postgres` };
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const ids = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, name]).then(({ stdout }) => Number(stdout)))).catch(() => null);
    if (ids !== null) return { uid: ids[0]!, gid: ids[1]! };
  }
  throw new Error("postgres: refuses to run as root, and there is neither a user postgres nor a user nobody");
}
