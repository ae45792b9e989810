/** `tidemark check`: computes a sample of a training set with another engine, and compares bits. */
import {
  checkTrainingSet,
  type CheckedDifference,
  type TrainingSetCheck,
} from "@tidemark/catalog-trino";
import { keysNeeded, selectionFrom } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { choiceOf, usage, type ParsedOptions } from "../terminal/options.ts";
import { featuresAsked, timeReadingOf } from "../training-set/asked.ts";
import { entityFile } from "../training-set/entity-file.ts";

const help = `Usage: tidemark check --engine trino --trino http://localhost:8080 --schema NAME
                     --service NAME [--entities labels.parquet] [options]

Computes a sample of a training set by SQL in Trino, and compares every value with that
of tidemark training-set, bit by bit. Sums of floats are exact in SQL too. The tables of
the history are registered before, with tidemark catalog. They are compacted first.
Features that SQL does not compute are listed with the reason.

  --engine trino        the engine that computes by SQL
  --trino URL           Trino's coordinator
  --catalog NAME        a catalog of its delta_lake connector; default: lake
  --schema NAME         the schema of the registered tables
  --user NAME           default: tidemark; TIDEMARK_TRINO_PASSWORD has the password
  --allow-insecure      send the password over plain HTTP, in a private network
  --service NAME        the feature service, or a feature view
  --features LIST       in place of --service: view:feature,view:feature; a view alone
                        means all its features
  --entities FILE       entity rows, or a training set: .parquet, .csv, .csv.gz, .jsonl
                        or .jsonl.gz, or a folder of Parquet files; default: entities of
                        the history, at times where their rows enter and leave windows
  --sample N            so many of the entity rows; default: 1000
  --seed N              a whole number; another one chooses other rows; default: 1
  --knowledge KIND      as-corrected (default) or as-known
  --zone ZONE           the zone of times without a zone
  --time-unit UNIT      s, ms, us or ns: the unit of times that are whole numbers
`;

/** So many differences are printed. With --json all are. */
const MOST_PRINTED = 20;

export const checkCommand: ReturnType<typeof configCommand> = configCommand({
  name: "check",
  help,
  exitCodes: {
    0: "all values that SQL computes are the same",
    1: "a value differs, nothing could be compared, or the check failed",
    130: "interrupted",
  },
  interrupted: "the versions of rows may be compacted; nothing else was changed",
  audited: true,
  options: {
    engine: "text",
    trino: "text",
    catalog: "text",
    schema: "text",
    user: "text",
    "allow-insecure": "flag",
    service: "text",
    features: "texts",
    entities: "text",
    sample: "text",
    seed: "text",
    knowledge: "text",
    zone: "text",
    "time-unit": "text",
  },
  required: ["engine", "trino", "schema"],
  async run({ given, config, progress, signal, open, printResult, audit, seconds }) {
    choiceOf(given, "engine", ["trino"]);
    const asked = featuresAsked(given);
    const times = timeReadingOf(given);
    const sample = wholeNumber(given, "sample", 1);
    const seed = wholeNumber(given, "seed", 0);
    const knowledge = choiceOf(given, "knowledge", ["as-corrected", "as-known"]);
    const { store, definitions } = await open({ online: false, offline: true });
    const features = asked(definitions, config.file);
    const file = given.text("entities");
    const entities =
      file === undefined
        ? undefined
        : await entityFile(file, { keys: keysNeeded(features), ...times, signal });
    const check = await checkTrainingSet({
      url: given.text("trino")!,
      user: given.text("user"),
      password: process.env["TIDEMARK_TRINO_PASSWORD"],
      allowInsecure: given.has("allow-insecure"),
      catalog: given.text("catalog") ?? "lake",
      schema: given.text("schema")!,
      store,
      features: selectionFrom(features),
      entities,
      knowledge,
      sample,
      seed,
      signal,
      onProgress(compared) {
        progress.update(`${compared} values compared, ${seconds()}`);
      },
    });
    audit({ knowledge, compared: check.compared, differences: check.differences.length });
    printResult({ knowledge, ...check }, [
      ...check.notChecked.map(({ feature, why }) => `not checked: ${feature}, ${why}`),
      ...check.differences.slice(0, MOST_PRINTED).map(differenceLine),
      ...(check.differences.length > MOST_PRINTED
        ? [`… and ${check.differences.length - MOST_PRINTED} more, which --json lists`]
        : []),
      summary(check, knowledge, seconds()),
    ]);
    return check.compared === 0 || check.differences.length > 0 ? 1 : 0;
  },
});

/** The whole number that an option gives; undefined without the option. */
function wholeNumber(given: ParsedOptions, name: string, least: number): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < least)
    throw usage(`--${name} ${text}: give a whole number from ${least} on`);
  return number;
}

function differenceLine(difference: CheckedDifference): string {
  const { feature, keys, eventTimestamp, row, tidemark, trino, bits } = difference;
  const entity = Object.entries(keys)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  const [ours, theirs] =
    bits === null ? ["", ""] : [` (bits ${bits.tidemark})`, ` (bits ${bits.trino})`];
  return (
    `differs: ${feature} of ${entity} at ${eventTimestamp}, row ${row}: ` +
    `${tidemark}${ours} from Tidemark, ${trino}${theirs} from Trino`
  );
}

function summary(check: TrainingSetCheck, knowledge: string, time: string): string {
  const { rows, of, compared, checked, notChecked, differences } = check;
  const known = knowledge === "as-known" ? "as known" : "as corrected";
  if (rows === 0) return "nothing was compared: there are no entity rows";
  if (compared === 0) return "nothing was compared: SQL computes none of these features";
  return (
    `${rows} of ${of} rows with ${checked.length} features ${known}, ` +
    `${notChecked.length} features not checked: ${compared} values compared, ` +
    `${differences.length === 0 ? "all bits are the same" : `${differences.length} differ`}, ` +
    `after ${time}`
  );
}
