/** `tidemark connector`: manages Debezium connectors in Kafka Connect. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { ConnectorDatabase, ConnectorStatus } from "@tidemark/source-debezium";
import { loadDebezium } from "../modules/optional-packages.ts";
import { readOptions, usage } from "../terminal/options.ts";
import type { Terminal } from "../terminal/progress.ts";

const help = `Usage: tidemark connector apply|status|restart|delete
                          --url http://localhost:8083 --name NAME [options]

Manages a Debezium connector for PostgreSQL in Kafka Connect.

  apply                 create or change the connector; wait until it and its tasks run
  status                show the state of the connector
  restart               restart the connector and its tasks; wait until they run
  delete                delete the connector; its replication slot stays in the database

  --url URL             the REST API of Kafka Connect
  --name NAME           the name of the connector; its topics begin with the name
  --database URL        postgres://user:password@host:port/database, as Kafka Connect
                        reaches it. TIDEMARK_DATABASE may have it instead: other users
                        of this machine do not see the password there
  --table SCHEMA.TABLE  a table to watch; may be repeated; default: all tables
  --set KEY=VALUE       a setting of Debezium; may be repeated. KEY= leaves out a
                        setting that Tidemark would set
  --allow-insecure      do not warn of a password that goes over plain HTTP
  --help                print this text

Exit codes:
  0    the connector runs, or is deleted
  1    the connector does not run, or the command failed
  2    the command line is wrong
`;

const OPTIONS = {
  url: "text",
  name: "text",
  database: "text",
  table: "texts",
  set: "texts",
  "allow-insecure": "flag",
  help: "flag",
} as const;
const ACTIONS = ["apply", "status", "restart", "delete"];

/** Runs the command and returns its exit code. */
export async function connectorCommand(
  args: readonly string[],
  { stdout, signal }: { readonly stdout: Terminal; readonly signal: AbortSignal },
): Promise<number> {
  const [action] = args;
  const named = action !== undefined && !action.startsWith("-");
  if (named && !ACTIONS.includes(action))
    throw usage(
      `connector ${action} is none of ${ACTIONS.join(", ")}${didYouMean(action, ACTIONS)}`,
    );
  const given = readOptions(named ? args.slice(1) : args, OPTIONS);
  if (given.has("help")) {
    stdout.write(help);
    return 0;
  }
  if (!named) throw usage(`say what to do: connector ${ACTIONS.join(", ")}`);
  const missing = ["url", "name"].filter((name) => !given.has(name));
  if (missing.length > 0)
    throw usage(
      `${missing.map((name) => `--${name}`).join(", ")} ` +
        `${missing.length === 1 ? "is" : "are"} missing`,
    );
  const at = {
    url: given.text("url")!,
    name: given.text("name")!,
    allowInsecure: given.has("allow-insecure"),
    signal,
  };
  const database =
    action === "apply"
      ? databaseOf(given.text("database") ?? process.env["TIDEMARK_DATABASE"])
      : null;
  const overrides = overridesOf(given.texts("set"));
  const debezium = await loadDebezium("tidemark connector");
  if (action === "delete") {
    await debezium.deleteConnector(at);
    stdout.write(`connector ${at.name}: deleted\n`);
    return 0;
  }
  const status =
    action === "status"
      ? await debezium.connectorStatus(at)
      : action === "restart"
        ? await debezium.restartConnector(at)
        : await debezium.registerConnector({
            ...at,
            database: database!,
            tables: given.has("table") ? given.texts("table") : undefined,
            overrides,
          });
  if (status === null)
    throw new TidemarkError(
      "CONNECTOR_NOT_FOUND",
      `connector ${at.name}: Kafka Connect at ${at.url} has no such connector; check the name, ` +
        "or run tidemark connector apply",
    );
  stdout.write(statusLines(status));
  return [status, ...status.tasks].every(({ state }) => state === "RUNNING") &&
    status.tasks.length > 0
    ? 0
    : 1;
}

function statusLines({ name, state, trace, tasks }: ConnectorStatus): string {
  const lines = [
    `connector ${name}: ${state}`,
    ...(trace === null ? [] : [trace]),
    ...tasks.flatMap((task) => [
      `task ${task.id}: ${task.state} on ${task.worker}`,
      ...(task.trace === null ? [] : [task.trace]),
    ]),
  ];
  return `${(tasks.length === 0 ? [...lines, "no tasks"] : lines).join("\n")}\n`;
}

function databaseOf(text: string | undefined): ConnectorDatabase {
  if (text === undefined) throw usage("--database is missing; or set TIDEMARK_DATABASE");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    url === null ||
    !/^postgres(ql)?:$/.test(url.protocol) ||
    url.hostname === "" ||
    url.username === "" ||
    url.pathname.length < 2
  )
    throw usage("--database must have the form postgres://user:password@host:port/database");
  const part = decodeURIComponent;
  return {
    host: url.hostname,
    port: url.port === "" ? undefined : Number(url.port),
    user: part(url.username),
    password: part(url.password),
    name: part(url.pathname.slice(1)),
  };
}

function overridesOf(given: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    given.map((one) => {
      const at = one.indexOf("=");
      if (at < 1) throw usage(`--set ${one}: write KEY=VALUE, as in snapshot.mode=no_data`);
      return [one.slice(0, at), at === one.length - 1 ? null : one.slice(at + 1)] as const;
    }),
  );
}
