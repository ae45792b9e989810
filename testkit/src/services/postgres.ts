/** Starts a PostgreSQL whose log can be decoded. */
import { execFile } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { images } from "./images.ts";
import type { Network } from "./network.ts";
import { dataFolder, freePorts, processService } from "./process.ts";
import type { Service } from "./service.ts";
import { postgresPrograms } from "./toolchain.ts";

const run = promisify(execFile);

/** A running PostgreSQL. */
export interface Postgres extends Service {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string;
  readonly url: string;
  /** The address for the other services. */
  readonly inside: { readonly host: string; readonly port: number };
}

/** The options of a PostgreSQL. */
export interface PostgresOptions {
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** The network of the container. Default: PostgreSQL is a process. */
  readonly network?: Network | undefined;
  /** Starts a standby of a process, which copies it and follows it until it is promoted. */
  readonly standbyOf?: Pick<Postgres, "host" | "port"> | undefined;
}

/** The superuser. A process accepts every local connection; a container asks for the password. */
const LOGIN = { user: "postgres", password: "postgres", database: "postgres" };

/** Starts a PostgreSQL. */
export async function startPostgres({
  settings = {},
  network,
  standbyOf,
}: PostgresOptions = {}): Promise<Postgres> {
  const [port] = (await freePorts(1)) as [number];
  const all = { wal_level: "logical", timezone: "UTC", ...settings };
  const host = "127.0.0.1";
  const running = await (network === undefined
    ? asProcess(port, all, standbyOf)
    : inContainer(network, port, all));
  const inside = network === undefined ? { host, port } : { host: "postgres", port: 5432 };
  return {
    ...running,
    host,
    port,
    ...LOGIN,
    url: `postgres://postgres:postgres@${host}:${port}/postgres`,
    inside,
  };
}

async function asProcess(
  port: number,
  settings: Readonly<Record<string, string>>,
  primary: PostgresOptions["standbyOf"],
): Promise<Service> {
  const programs = postgresPrograms();
  if (programs === null)
    throw new Error(
      "postgres: no programs of PostgreSQL on this machine; " +
        "install postgresql, or name their folder in TIDEMARK_POSTGRES",
    );
  const folder = dataFolder("postgres");
  const user = await unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  return processService({
    name: "postgres",
    command: join(programs, "postgres"),
    args: [
      "-D",
      data,
      "-p",
      String(port),
      ...flags({ listen_addresses: "127.0.0.1", unix_socket_directories: folder, ...settings }),
    ],
    prepare: () =>
      primary === undefined
        ? run(
            join(programs, "initdb"),
            [
              "-D",
              data,
              "-U",
              LOGIN.user,
              "--auth=trust",
              "--encoding=UTF8",
              "--locale=C",
              "--no-sync",
            ],
            { cwd: folder, ...user },
          )
        : run(
            join(programs, "pg_basebackup"),
            [
              "-D",
              data,
              "-U",
              LOGIN.user,
              "-h",
              primary.host,
              "-p",
              String(primary.port),
              "--write-recovery-conf",
              "--checkpoint=fast",
              "--no-sync",
            ],
            { cwd: folder, ...user },
          ),
    cwd: folder,
    folder,
    user,
    stopSignal: "SIGINT",
    ready: (log) => /database system is ready to accept (?:read-only )?connections/.test(log),
  });
}

function inContainer(
  network: Network,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<Service> {
  return network.container({
    name: "postgres",
    image: images.postgres,
    command: ["postgres", ...flags(settings)],
    ports: [{ container: 5432, host: port }],
    env: {
      POSTGRES_USER: LOGIN.user,
      POSTGRES_PASSWORD: LOGIN.password,
      POSTGRES_DB: LOGIN.database,
    },
    // While the image makes the database, a temporary server reports that it is ready. Only the
    // final server is reachable from outside.
    ready: () => letsIn(port),
  });
}

const flags = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

function letsIn(port: number): Promise<boolean> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port,
    ...LOGIN,
    connectionTimeoutMillis: 5000,
  });
  client.on("error", () => undefined);
  return client
    .connect()
    .then(() => client.end())
    .then(
      () => true,
      () => false,
    );
}

/** Returns a user other than root, because PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const ids = await Promise.all(
      ["-u", "-g"].map((flag) => run("id", [flag, name]).then(({ stdout }) => Number(stdout))),
    ).catch(() => null);
    if (ids !== null) return { uid: ids[0]!, gid: ids[1]! };
  }
  throw new Error(
    "postgres: refuses to run as root, and there is neither a user postgres nor a user nobody",
  );
}
