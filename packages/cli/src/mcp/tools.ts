/** The tools of `tidemark mcp`. Each reads; none changes a definition, a row or an answer. */
import { toJson, type Store } from "@tidemark/core";
import { keyFromJson, keysNeeded, selectionFrom, toUser } from "@tidemark/core/internal";
import type { NeededColumn, SelectedFeature } from "@tidemark/core/spi";
import type { Configured } from "../config/open-configured.ts";
import type { LoadedConfig } from "../config/config-file.ts";
import { TIME_TYPES } from "../input/key-texts.ts";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";
import { DEFINITION_LISTS, describeDefinition, listDefinitions } from "./definition-lists.ts";
import type { DefinitionList } from "./definition-lists.ts";

/** What a tool reads. */
export interface ToolContext {
  readonly configured: Configured;
  readonly config: LoadedConfig;
}

/** A tool. Its result is text for people and for models, or plain JSON data. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema of the members of its arguments. */
  readonly properties: Readonly<Record<string, object>>;
  readonly required: readonly string[];
  run(given: Arguments, context: ToolContext, signal: AbortSignal): Promise<string | object>;
}

/** The arguments of a call. They follow the schema of the tool. */
export type Arguments = Readonly<Record<string, unknown>>;

const TEXT = { type: "string" };
const TIME = { type: "string", description: "A time with a zone, as in 2026-03-01T00:00:00Z" };
const ENTITY = {
  type: "object",
  description:
    "The entity keys, and the request data. Numbers beyond 2^53 and decimals are texts of digits",
};
const DAY = { type: "string", format: "date" };

const findDefinitions: Tool = {
  name: "catalogue",
  title: "Catalogue",
  description:
    "Lists sources, entities, feature views and services, with owner, tags and description. With " +
    "a name it returns everything about one definition: keys, features, types and windows.",
  properties: {
    name: { ...TEXT, description: "One definition. Omit it for a list" },
    kind: { type: "string", enum: [...DEFINITION_LISTS], description: "Only this kind" },
    search: {
      ...TEXT,
      description: "Only definitions with this text in name, tags or description",
    },
  },
  required: [],
  async run({ name, kind, search }, { configured: { definitions } }) {
    if (name !== undefined) return describeDefinition(definitions, String(name));
    return {
      definitions: listDefinitions(definitions, {
        kind: kind as DefinitionList | undefined,
        search: search as string | undefined,
      }),
    };
  },
};

const get: Tool = {
  name: "get",
  title: "Get features",
  description:
    "Answers features of one entity, each with its status and event time. It reads the online " +
    "store, or the history where there is no online store.",
  properties: {
    features: {
      type: "array",
      items: TEXT,
      minItems: 1,
      description: "References view:feature, names of views, or the name of one service",
    },
    entity: ENTITY,
    asOf: { ...TIME, description: `${TIME.description}: the end of the windows. Default: now` },
  },
  required: ["features", "entity"],
  async run({ features, entity, asOf }, context, signal) {
    const selected = featuresOf(features as readonly string[], context);
    const { store, online } = context.configured;
    const row = entityOf(entity as Arguments, keysNeeded(selected));
    const time = asOf as string | undefined;
    const selection = selectionFrom(selected);
    if (online !== undefined) {
      const answer = await store.getOnlineFeatures({
        features: selection,
        entity: row,
        asOf: time,
        metadata: true,
        signal,
      });
      return toJson(answer) as object;
    }
    return historicalAnswer(store, selected, row, time, signal);
  },
};

async function historicalAnswer(
  store: Store,
  selected: readonly SelectedFeature[],
  row: Arguments,
  asOf: string | undefined,
  signal: AbortSignal,
): Promise<object> {
  const time = asOf ?? new Date().toISOString();
  const training = await store.getHistoricalFeatures({
    features: selectionFrom(selected),
    entities: [{ ...row, event_timestamp: time }],
    metadata: true,
    signal,
  });
  for await (const answer of training) return { asOf: time, row: toJson(answer) as object };
  throw new TypeError("a training set has the rows that were asked");
}

const explain: Tool = {
  name: "explain",
  title: "Explain an answer",
  description:
    "Says why a feature of an entity has its value: the window's edges, each row inside with " +
    "what it brings, the rows outside with the reason, the versions of each row with their times " +
    "and places in the log, and the value as known and as corrected where they differ.",
  properties: {
    feature: { ...TEXT, description: "One feature, as view:feature" },
    entity: ENTITY,
    asOf: { ...TIME, description: `${TIME.description}: the time of the answer. Default: now` },
    knowledge: {
      type: "string",
      enum: ["as-known", "as-corrected"],
      description: "Which changes count, in the history. Default: as-known",
    },
    from: { type: "string", enum: ["history", "online"] },
    maxRows: { type: "integer", minimum: 0, maximum: 1000, description: "Default: 20" },
    format: { type: "string", enum: ["text", "json", "test"], description: "Default: text" },
  },
  required: ["feature", "entity"],
  async run({ feature, entity, format, ...given }, context, signal) {
    const selected = featuresOf([String(feature)], context);
    const explanation = await context.configured.store.explain({
      feature: selectionFrom(selected),
      entity: entityOf(entity as Arguments, keysNeeded(selected)),
      maxRows: 20,
      ...given,
      personal: "mask",
      signal,
    });
    if (format === "json") return explanation;
    return format === "test" ? explanation.toTest() : String(explanation);
  },
};

const plan: Tool = {
  name: "plan",
  title: "Plan a change of definitions",
  description:
    "Compares the definitions with the applied ones: what is served at once, what needs a " +
    "backfill, and who uses what is removed. Nothing is changed.",
  properties: {},
  required: [],
  run: async (_, { configured: { store } }, signal) => toJson(await store.plan({ signal })),
};

const status: Tool = {
  name: "status",
  title: "Status",
  description:
    "Says for each source what was taken, how far it is behind, what was quarantined or not " +
    "taken, and whether its features are answered.",
  properties: {},
  required: [],
  async run(_, { configured: { store, online } }, signal) {
    return toJson({
      sources: await store.status({ signal }),
      readiness: online === undefined ? [] : await store.readiness(),
    });
  },
};

const profile: Tool = {
  name: "profile",
  title: "Profile",
  description:
    "Statistics of each column of a source, or of each feature of a materialized view: rows, " +
    "null rate, distinct values, least and greatest value, mean, quantiles and frequent values.",
  properties: {
    source: { ...TEXT, description: "The name of a source; give a source or a view" },
    view: { ...TEXT, description: "The name of a materialized view" },
    from: { ...DAY, description: "The first day" },
    to: { ...DAY, description: "The day after the last" },
    columns: { type: "array", items: TEXT, description: "Default: all" },
    days: { type: "boolean", description: "Adds the profile of each day. Default: false" },
  },
  required: [],
  async run({ days, ...asked }, { configured: { store } }, signal) {
    const report = await store.profile({ ...asked, signal });
    const { of, zone, all, table } = report;
    return toJson({ of, zone, table, all, ...(days === true ? { days: report.days } : {}) });
  },
};

/** The tools, in the order in which a program sees them. */
export const TOOLS: readonly Tool[] = [findDefinitions, get, explain, plan, status, profile];

function featuresOf(
  names: readonly string[],
  { configured: { definitions }, config }: ToolContext,
): readonly SelectedFeature[] {
  const [only] = names;
  if (names.length === 1 && definitions.services.has(only!))
    return featuresOfService(only!, definitions, config.file);
  return featuresNamed(names, definitions, config.file);
}

/** Reads the keys and the request data of a call. */
function entityOf(given: Arguments, needed: readonly NeededColumn[]): Arguments {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const column = needed.find((one) => one.name === name);
      // the store says what an unknown key is
      if (column === undefined || value === null || TIME_TYPES.has(column.type))
        return [name, value];
      return [
        name,
        toUser(
          keyFromJson(column, value, () => `entity: ${name}`),
          column,
        ),
      ];
    }),
  );
}
