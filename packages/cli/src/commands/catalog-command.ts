/** `tidemark catalog`: registers the tables of the history in Trino. */
import { didYouMean } from "@tidemark/core/internal";
import {
  historyTables,
  registeredTables,
  registerTables,
  unregisterTables,
} from "@tidemark/catalog-trino";
import { readOptions, usage } from "../terminal/options.ts";
import type { Terminal } from "../terminal/progress.ts";

const help = `Usage: tidemark catalog register|list|unregister --trino http://localhost:8080
                        --schema NAME [options]

Registers the tables of a history in Trino, as SOURCE_changes and SOURCE_versions. The
files of the tables stay as they are.

  register              register the tables of each --source; registered tables stay
  list                  list the tables of the schema with their locations
  unregister            remove the tables of each --source from the catalog

  --trino URL           Trino's coordinator
  --catalog NAME        a catalog of its delta_lake connector; default: lake
  --schema NAME         the schema; register creates it
  --location URL        the history, as Trino reaches it: s3://bucket/prefix
  --source NAME         a source of the definitions; may be repeated
  --replace             register a table again that has another location
  --user NAME           default: tidemark; TIDEMARK_TRINO_PASSWORD has the password
  --allow-insecure      send the password over plain HTTP, in a private network
  --json                print the result as one line of JSON
  --help                print this text

Exit codes:
  0    done
  1    failed
  2    the command line is wrong
`;

const OPTIONS = {
  trino: "text",
  catalog: "text",
  schema: "text",
  location: "text",
  source: "texts",
  replace: "flag",
  user: "text",
  "allow-insecure": "flag",
  json: "flag",
  help: "flag",
} as const;
const ACTIONS = ["register", "list", "unregister"];

/** Runs the command and returns its exit code. */
export async function catalogCommand(
  args: readonly string[],
  { stdout, signal }: { readonly stdout: Terminal; readonly signal: AbortSignal },
): Promise<number> {
  const [action] = args;
  const named = action !== undefined && !action.startsWith("-");
  if (named && !ACTIONS.includes(action))
    throw usage(`catalog ${action} is none of ${ACTIONS.join(", ")}${didYouMean(action, ACTIONS)}`);
  const given = readOptions(named ? args.slice(1) : args, OPTIONS);
  if (given.has("help")) {
    stdout.write(help);
    return 0;
  }
  if (!named) throw usage(`say what to do: catalog ${ACTIONS.join(", ")}`);
  const missing = [
    "trino",
    "schema",
    ...(action === "list" ? [] : ["source"]),
    ...(action === "register" ? ["location"] : []),
  ].filter((name) => !given.has(name));
  if (missing.length > 0)
    throw usage(
      `${missing.map((name) => `--${name}`).join(", ")} ` +
        `${missing.length === 1 ? "is" : "are"} missing`,
    );
  const location = given.text("location") ?? "";
  if (action === "register" && !/^[a-z0-9]+:\/\/./.test(location))
    throw usage(
      `--location ${location}: write where Trino finds the history, as in s3://bucket/prefix`,
    );

  const at = {
    url: given.text("trino")!,
    user: given.text("user"),
    password: process.env["TIDEMARK_TRINO_PASSWORD"],
    allowInsecure: given.has("allow-insecure"),
    catalog: given.text("catalog") ?? "lake",
    schema: given.text("schema")!,
    signal,
  };
  const tables = historyTables(given.texts("source"), location);
  const print = (rows: readonly object[], lines: readonly string[]): void => {
    stdout.write(
      given.has("json") ? `${JSON.stringify(rows)}\n` : lines.map((line) => `${line}\n`).join(""),
    );
  };
  const full = (table: string): string => `${at.catalog}.${at.schema}.${table}`;
  if (action === "register") {
    const registered = await registerTables({ ...at, tables, replace: given.has("replace") });
    const words = {
      registered: "registered",
      present: "registered before",
      moved: "registered again",
    };
    print(
      registered,
      registered.map((one) => `${full(one.table)}: ${words[one.state]}, at ${one.location}`),
    );
  } else if (action === "list") {
    const listed = await registeredTables(at);
    print(
      listed,
      listed.map((one) => `${full(one.table)}: ${one.location}`),
    );
  } else {
    const removed = await unregisterTables({ ...at, tables: tables.map(({ table }) => table) });
    print(
      removed.map((table) => ({ table })),
      removed.map((table) => `${full(table)}: removed`),
    );
  }
  return 0;
}
