/** `tidemark replay`: answers requests from recorded topics. */
import { didYouMean } from "@tidemark/core/internal";
import { readOptions, usage, choiceOf, mismatchOf } from "../terminal/options.ts";
import { progressOn, type Terminal } from "../terminal/progress.ts";
import { hasUndecodable } from "../output/not-taken.ts";
import { replay, type ReplayPath, type TimeUnits } from "../replay/replay.ts";

const help = `Usage: tidemark replay --definitions features.ts --topic recorded.jsonl
                       --service NAME --requests requests.jsonl --out answers.jsonl

Feeds recorded Debezium topics to new stores and answers requests from them. The answers
show what serving would have answered, and what training would see.

  --definitions FILE    the module that exports the definitions; may be TypeScript
  --topic FILE          a recording of topics (tidemark record, kcat -J), plain, gzip or
                        zstd; may be repeated
  --service NAME        the feature service to answer, or a feature view
  --requests FILE       one JSON object per line: the entity keys and "event_timestamp"
                        (ISO with a zone, to the microsecond)
  --out FILE            one JSON object per line, in the order of the requests: feature
                        name → value
  --path PATH           online: from a SQLite file that was closed and opened again, as
                        of the time of each request
                        offline: from a history in Delta tables
                        both (default): both paths; if they differ, the command names
                        the first difference, exits with 1 and writes no answers
  --knowledge KIND      as-corrected (default): with all corrections
                        as-known: what the history had at the time of each request;
                        implies --path offline
  --time-unit TABLE.COLUMN=ms
                        the unit of numbers in a timestamp column (ns, us, ms, s, days),
                        if the messages have no schema; may be repeated; default: us.
                        Debezium writes ms for TIMESTAMP(0) to TIMESTAMP(3)
  --table TOPIC=SCHEMA.TABLE
                        the table that a topic holds, if its name does not end in
                        .schema.table or it is a partition of the table; TOPIC may be
                        a /pattern/; may be repeated
  --server NEW=EARLIER  the earlier name of a topic prefix that was renamed; may be
                        repeated
  --toast-marker TEXT
                        the connector's unavailable.value.placeholder
  --mismatch SHARE      stop if more than this share of a new source's first thousand
                        rows cannot be used; default: 0.5; "ignore" takes them all
  --keep DIR            keep the stores (online.db, lake/) in this new directory
  --quiet               print no progress on stderr
  --help                print this text

An int64 key may be a number of any size or a string; bytes are base64. Answers hold
int64 with all digits, decimals as strings, timestamps as ISO text with microseconds,
dates as YYYY-MM-DD, bytes as base64, and json as JSON. The stores keep everything.

Exit codes:
  0    the answers are written
  1    the paths differ, or the command failed
  2    the command line is wrong
  3    the answers are written, and some messages cannot be read
`;

const OPTIONS = {
  definitions: "text",
  topic: "texts",
  service: "text",
  requests: "text",
  out: "text",
  path: "text",
  knowledge: "text",
  "time-unit": "texts",
  table: "texts",
  server: "texts",
  "toast-marker": "text",
  mismatch: "text",
  keep: "text",
  quiet: "flag",
  help: "flag",
} as const;
const PATHS: readonly ReplayPath[] = ["online", "offline", "both"];

/** Runs the command and returns its exit code. */
export async function replayCommand(
  args: readonly string[],
  {
    stdout,
    stderr,
    signal,
  }: { readonly stdout: Terminal; readonly stderr: Terminal; readonly signal: AbortSignal },
): Promise<number> {
  const given = readOptions(args, OPTIONS);
  if (given.has("help")) {
    stdout.write(help);
    return 0;
  }
  const missing = ["definitions", "topic", "service", "requests", "out"].filter(
    (name) => !given.has(name),
  );
  if (missing.length > 0)
    throw usage(
      `${missing.map((name) => `--${name}`).join(", ")} ` +
        `${missing.length === 1 ? "is" : "are"} missing`,
    );
  const knowledge = choiceOf(given, "knowledge", ["as-corrected", "as-known"]);
  const path = given.text("path") ?? (knowledge === "as-known" ? "offline" : "both");
  if (!isPath(path))
    throw usage(`--path ${path} is none of ${PATHS.join(", ")}${didYouMean(path, PATHS)}`);

  const mismatch = mismatchOf(given);
  const progress = progressOn(stderr, given.has("quiet"));
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const out = given.text("out")!;
  try {
    const { changes, notTaken, requests, comparison } = await replay({
      definitions: given.text("definitions")!,
      topics: given.texts("topic"),
      service: given.text("service")!,
      requests: given.text("requests")!,
      path,
      knowledge,
      out,
      timeUnits: timeUnits(given.texts("time-unit")),
      tables: tablesOfTopics(given.texts("table")),
      servers: serverNames(given.texts("server")),
      toastMarker: given.text("toast-marker"),
      mismatch,
      keep: given.text("keep"),
      signal,
      onProgress({ step, done, total }) {
        const share =
          total === null || total === 0
            ? ""
            : ` of ${total} (${Math.floor((done / total) * 100)} %)`;
        progress.update(
          `${step === "replay" ? "replaying: change" : "answering: request"} ${done}${share}, ` +
            `${seconds()}`,
        );
      },
      onWarning: (message) => {
        progress.warn(message);
      },
    });
    if (comparison?.first == null) {
      const agreement =
        comparison === null
          ? ""
          : `; online and offline agree in all ${comparison.compared} values`;
      progress.done(
        `${requests} requests answered after ${changes} changes in ` +
          `${seconds()}${agreement}: ${out}`,
      );
      return hasUndecodable(notTaken) ? 3 : 0;
    }
    const { line, feature, online, offline } = comparison.first;
    progress.end();
    stderr.write(
      `tidemark replay: PATHS_DIFFER: ${given.text("requests")!}:${line}: ${feature} is ` +
        `${online} online and ${offline} offline; ${comparison.differing} of ` +
        `${comparison.compared} values differ, and no answers were written. ` +
        "Run again with --path online and with --path offline to see them; this is a defect " +
        "of Tidemark, please report it with the recording\n",
    );
    return 1;
  } finally {
    progress.end();
  }
}

const TIME_UNITS = ["ns", "us", "ms", "s", "days"] as const;

function timeUnits(given: readonly string[]): TimeUnits {
  return Object.fromEntries(
    given.map((one) => {
      const at = one.lastIndexOf("=");
      const unit = TIME_UNITS.find((known) => known === one.slice(at + 1));
      if (at < 1 || unit === undefined)
        throw usage(
          `--time-unit ${one}: write TABLE.COLUMN=UNIT with a unit of ${TIME_UNITS.join(", ")}, ` +
            "as in public.orders.placed_at=ms",
        );
      return [one.slice(0, at), unit] as const;
    }),
  );
}

/** The table by topic. The name of a topic has no "=", and a pattern may have some. */
function tablesOfTopics(given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const tables: Record<string, string> = {};
  for (const one of given) {
    const [, topic, table] = /^(\/.+\/|[^=/]+)=(.+)$/.exec(one) ?? [];
    if (topic === undefined || table === undefined)
      throw usage(
        `--table ${one}: write TOPIC=SCHEMA.TABLE or /PATTERN/=SCHEMA.TABLE, as in ` +
          "bank.public.payments_p1=public.payments",
      );
    if (Object.hasOwn(tables, topic) && tables[topic] !== table)
      throw usage(`--table ${topic} is given with ${tables[topic]} and with ${table}: give one`);
    tables[topic] = table;
  }
  return given.length === 0 ? undefined : tables;
}

function serverNames(given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const names = given.map((one) => {
    const [, name, earlier] = /^([^=]+)=([^=]+)$/.exec(one) ?? [];
    if (name === undefined || earlier === undefined)
      throw usage(`--server ${one}: write NEW=EARLIER, as in bank2=bank`);
    return [name, earlier] as const;
  });
  return given.length === 0 ? undefined : Object.fromEntries(names);
}

function isPath(text: string): text is ReplayPath {
  return (PATHS as readonly string[]).includes(text);
}
