/** `tidemark training-set`: entity rows in a file, the same rows with their features in another. */
import { configCommand } from "./config-command.ts";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";
import { usage, choiceOf } from "../terminal/options.ts";
import { trainingSetFile } from "../training-set/training-set-file.ts";

const help = `Usage: tidemark training-set --service NAME --entities labels.parquet --out training.parquet [options]

Takes the entity rows (the keys, event_timestamp, and whatever rides along), in their order, and puts the features beside them as of each row's event_timestamp,
from the history. The file under --out is whole or not there.

  --service NAME    the service; a view's name works too
  --features LIST   or features one by one: view:feature,view:feature; a view's name alone is all of its features
  --entities FILE   .parquet, .csv or .jsonl (the last two with .gz too). CSV has an empty field for null, and what rides along is text
  --out FILE        .parquet or .jsonl
  --knowledge KIND  as-corrected (default): with every correction since
                    as-known: as serving without lag saw the features at each event_timestamp; train on these
  --before-history WHAT
                    a row from before a source's first commit: empty (default) gives the empty answer, error refuses it
  --zone ZONE       the zone of times that name none, as those of pandas; without it they are refused
  --force           replace the file under --out

Exit codes: 0 written · 1 something failed, and nothing was written · 2 the command line is wrong · 130 interrupted
`;

export const trainingSetCommand: ReturnType<typeof configCommand> = configCommand({
  name: "training-set",
  help,
  interrupted: "nothing was written",
  options: {
    service: "text",
    features: "texts",
    entities: "text",
    out: "text",
    knowledge: "text",
    "before-history": "text",
    zone: "text",
    force: "flag",
  },
  required: ["entities", "out"],
  async run({ given, config, progress, signal, open, printResult, seconds }) {
    const [service, named] = [
      given.text("service"),
      given.texts("features").flatMap((list) =>
        list
          .split(",")
          .map((one) => one.trim())
          .filter((one) => one !== ""),
      ),
    ];
    if ((service === undefined) === (named.length === 0))
      throw usage("say what to put beside the rows: --service NAME, or --features view:feature,…");
    const out = given.text("out")!;
    if (!/\.(?:parquet|jsonl)$/i.test(out))
      throw usage(`--out ${out}: give a file that ends in .parquet or .jsonl`);
    const zone = given.text("zone") ?? null;
    if (zone !== null) refuseUnknownZone(zone);
    const { store, definitions } = await open({ online: false, offline: true });
    const features =
      service === undefined
        ? featuresNamed(named, definitions, config.file)
        : featuresOfService(service, definitions, config.file);
    const knowledge = choiceOf(given, "knowledge", ["as-corrected", "as-known"]);
    const beforeHistory = choiceOf(given, "before-history", ["empty", "error"]);
    const result = await trainingSetFile(store, {
      features,
      entities: given.text("entities")!,
      out,
      force: given.has("force"),
      knowledge,
      beforeHistory,
      zone,
      signal,
      onRows: (rows, of) => {
        progress.update(`${rows}${of === null ? "" : ` of ${of}`} rows, ${seconds()}`);
      },
      onWarning: (message) => {
        progress.warn(message);
      },
    });
    for (const [source, { knownSince }] of Object.entries(result.coverage)) {
      if (knownSince === null)
        progress.warn(
          `source "${source}" has no history yet: its features are those of an entity without ` +
            "events (law 6)",
        );
    }
    const coverage = Object.entries(result.coverage).map(
      ([source, { knownSince }]) =>
        `${source}: ${knownSince === null ? "no history" : `known since ${knownSince}`}`,
    );
    printResult({ out, knowledge, ...result }, [
      `${result.rows} rows with ${result.features.length} features ` +
        `${knowledge === "as-known" ? "as known" : "as corrected"}, after ${seconds()}: ${out}`,
      ...coverage,
    ]);
    return 0;
  },
});

function refuseUnknownZone(zone: string): void {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
  } catch {
    throw usage(
      `--zone ${zone} is not known here; give an IANA name such as Asia/Ho_Chi_Minh, or UTC`,
    );
  }
}
