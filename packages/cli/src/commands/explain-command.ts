/** `tidemark explain`: prints the plan of features, or why an answer is what it is. */
import { collectDefinitions } from "@tidemark/core";
import type { NeededColumn, SelectedFeature } from "@tidemark/core/spi";
import { compileQuery, keysNeeded, queryText, selectionFrom } from "@tidemark/core/internal";
import type { LoadedConfig } from "../config/config-file.ts";
import { keyAndText, userKey } from "../input/key-texts.ts";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";
import { usage } from "../terminal/options.ts";
import { configCommand, type CommandRun } from "./config-command.ts";

const help = `Usage: tidemark explain VIEW:FEATURE --entity KEY=VALUE [options]
       tidemark explain NAME [options]

With --entity it prints why an answer is what it is: the window's edges, each row
inside with what it brings, and the rows outside with the reason. Each row has its
versions with the times between which they were known, and their places in the log. The
answer is computed again from these rows alone.

Without --entity it prints what a request computes, as a tree: the answers with their
types, the keys that they need, the functions, the aggregates over their windows, and
the columns that are read. It reads the definitions only, and opens no store.

  NAME                  a feature service, a view, a derived view or a transform;
                        or view:feature,view:feature for some features
  --entity KEY=VALUE    a key of the entity, or a column of request data; once for each
  --as-of TIME          the time of the answer, as in 2026-03-01T00:00:00Z; default: now
  --knowledge WHICH     as-known: the changes that were committed before the time, which
                        serving without lag saw; as-corrected: all that are known
                        now; default: as-known
  --from STORE          history or online; default: history, if there is one
  --max-rows N          the most rows that each part lists inside, and outside;
                        default: 100
  --show-personal       show values of columns with the sensitivity "pii", which are
                        masked otherwise
  --test                print a test in TypeScript that puts the rows into a mockStore
`;

/** The options of an explanation. They need --entity. */
const OF_ENTITY = ["as-of", "knowledge", "from", "max-rows", "show-personal", "test"] as const;

export const explainCommand: ReturnType<typeof configCommand> = configCommand({
  name: "explain",
  help,
  exitCodes: {
    0: "done",
    1: "failed",
    3: "the rows do not give the answer again",
    130: "interrupted",
  },
  argument: "name",
  options: {
    entity: "texts",
    "as-of": "text",
    knowledge: "text",
    from: "text",
    "max-rows": "text",
    "show-personal": "flag",
    test: "flag",
  },
  interrupted: "nothing was changed",
  async run(command) {
    const { given, config, printResult } = command;
    const name = given.text("name")!;
    const features = namedFeatures(name, config);
    if (given.has("entity")) return explainAnswer(command, name, features);
    const lonely = OF_ENTITY.find((option) => given.has(option));
    if (lonely !== undefined)
      throw usage(`--${lonely} is about the answer of one entity; add --entity KEY=VALUE`);
    const { query } = compileQuery(features);
    printResult({ name, ...query }, queryText(query).split("\n"));
    return 0;
  },
});

function namedFeatures(name: string, config: LoadedConfig): readonly SelectedFeature[] {
  const definitions = collectDefinitions(config.definitions);
  return /[:,]/.test(name)
    ? featuresNamed(name.split(","), definitions, config.file)
    : featuresOfService(name, definitions, config.file);
}

async function explainAnswer(
  { given, open, signal, printResult }: CommandRun,
  name: string,
  features: readonly SelectedFeature[],
): Promise<number> {
  if (features.length !== 1)
    throw usage(
      `an explanation is about one feature, and ${name} has ${features.length}; write one, such ` +
        `as ${features[0]!.view.name}:${features[0]!.feature.name}`,
    );
  const from = given.text("from");
  const { store } = await open(
    from === "online" ? { online: true } : from === "history" ? { online: false } : {},
  );
  const explanation = await store.explain({
    feature: selectionFrom(features),
    entity: entityOf(given.texts("entity"), keysNeeded(features)),
    asOf: given.text("as-of"),
    // the store names the words that it takes
    knowledge: given.text("knowledge") as "as-known" | undefined,
    from: from as "history" | undefined,
    personal: given.has("show-personal") ? "show" : "mask",
    maxRows: given.has("max-rows") ? Number(given.text("max-rows")) : undefined,
    signal,
  });
  const lines = given.has("test") ? explanation.toTest().trimEnd() : String(explanation);
  printResult({ ...explanation }, lines.split("\n"));
  return explanation.isReproduced ? 0 : 3;
}

/** Reads the keys, and the request data, from texts such as `user_id=4711`. */
function entityOf(
  texts: readonly string[],
  needed: readonly NeededColumn[],
): Readonly<Record<string, unknown>> {
  const names = needed.map(({ name }) => name).join(", ");
  const entity: Record<string, unknown> = {};
  for (const given of texts) {
    const found = keyAndText(given, needed);
    if (found === null) throw usage(`--entity: write KEY=VALUE, with ${names} as KEY`);
    const { column, text } = found;
    const { name } = column;
    if (name in entity) throw usage(`--entity ${name} is given twice; give each key once`);
    entity[name] = userKey(column, text, () => `--entity ${name}`);
  }
  const missing = needed.find(({ name }) => !(name in entity));
  if (missing !== undefined)
    throw usage(`--entity ${missing.name}=VALUE is missing; the feature needs ${names}`);
  return entity;
}
