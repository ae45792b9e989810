/** `tidemark catalog`: the history's tables in Trino's catalog, from the command line. */
import { didYouMean } from "@tidemark/core/internal";
import {
  historyTables,
  registeredTables,
  registerTables,
  unregisterTables,
} from "@tidemark/catalog-trino";
import { readOptions, usage } from "../terminal/options.ts";
import type { Terminal } from "../terminal/progress.ts";

const help = `Usage: tidemark catalog register|list|unregister --trino http://localhost:8080 --schema NAME [options]

Makes the tables of a history known to Trino, as SOURCE_changes and SOURCE_versions. Their files stay as they are.

  register    register the tables of each --source; those that are registered so already stay
  list        the tables of the schema, and where they lie
  unregister  take the tables of each --source out of the catalog

  --trino URL      Trino's coordinator
  --catalog NAME   a catalog of its delta_lake connector: lake, if it is left out
  --schema NAME    made where it is not there
  --location URL   where the history lies, as Trino reaches it: s3://bucket/prefix
  --source NAME    a source of the definitions; again for each further one
  --replace        register a table anew that is registered with another location
  --user NAME      tidemark, if it is left out; the password stands in TIDEMARK_TRINO_PASSWORD
  --json           the answer as one line of JSON
  --help           this text

Exit codes: 0 done · 1 something failed · 2 the command line is wrong
`;

const OPTIONS = {
  trino: "text",
  catalog: "text",
  schema: "text",
  location: "text",
  source: "texts",
  replace: "flag",
  user: "text",
  json: "flag",
  help: "flag",
} as const;
const ACTIONS = ["register", "list", "unregister"];

/** The exit code. */
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
    catalog: given.text("catalog") ?? "lake",
    schema: given.text("schema")!,
    signal,
  };
  const tables = historyTables(given.texts("source"), location);
  const say = (rows: readonly object[], lines: readonly string[]): void => {
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
      moved: "registered anew",
    };
    say(
      registered,
      registered.map((one) => `${full(one.table)}: ${words[one.state]}, at ${one.location}`),
    );
  } else if (action === "list") {
    const there = await registeredTables(at);
    say(
      there,
      there.map((one) => `${full(one.table)}: ${one.location}`),
    );
  } else {
    const removed = await unregisterTables({ ...at, tables: tables.map(({ table }) => table) });
    say(
      removed.map((table) => ({ table })),
      removed.map((table) => `${full(table)}: taken out`),
    );
  }
  return 0;
}
