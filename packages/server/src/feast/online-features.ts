/**
 * Reads `POST /get-online-features` and writes its answer. The request has one list of values for
 * each entity key. The answer has one list of values for each feature.
 */
import type { Readable } from "node:stream";
import { TidemarkError } from "@tidemark/core";
import type { ResultColumns, ColumnSpec } from "@tidemark/core/spi";
import { baseFeatures } from "@tidemark/core/internal";
import type { ResolvedFeatures } from "../features/feature-resolver.ts";
import type { Serving } from "../http/serving.ts";
import { checkKey, hasAnySize } from "../features/key-sizes.ts";
import { quoted } from "../features/names.ts";
import type { BatchedAnswer, ReadBounds } from "../features/request-batching.ts";
import { BodyReader, lengthOf } from "./malformed.ts";
import { keyFrom, keyText, timeText, valueText, type ValueText } from "./values.ts";

/** Everything of an answer that depends on the features alone. */
interface AnswerPlan {
  readonly features: ResolvedFeatures;
  /** The entity keys by name. */
  readonly byName: ReadonlyMap<string, ColumnSpec>;
  /**
   * The entity keys by the entity's name. Feast still accepts the name of the entity in place of
   * the name of the key, but deprecates it.
   */
  readonly byEntity: ReadonlyMap<string, ColumnSpec>;
  /** The names of the features as JSON: `"a","b"`. */
  readonly names: string;
  /** The writers of the features' values. */
  readonly texts: readonly ValueText[];
  /** About the least size of the answer of one entity in bytes, without texts. */
  readonly bytesPerEntity: number;
}

/** About the size in bytes of a value with its status and its event time. */
const VALUE_BYTES = 40;

/** A request for features. */
interface OnlineRequest {
  readonly plan: AnswerPlan;
  /** The name of the requested service; null: the request names features. */
  readonly service: string | null;
  /** The number of entities. */
  readonly length: number;
  /** The entity keys in the order of the request. */
  readonly keys: readonly { readonly column: ColumnSpec; readonly values: readonly unknown[] }[];
}

const answerPlans = new WeakMap<ResolvedFeatures, AnswerPlan>();

/**
 * Reads the body of a request for features.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws TOO_MANY_ENTITIES when the body has more entities than the server's limit.
 * @throws TOO_MANY_FEATURES when the body names more features than the server's limit.
 * @throws KEY_MISSING when an entity key is missing.
 * @throws KEY_INVALID when the lists of keys are empty.
 */
export function readOnlineRequest(body: unknown, { resolver, limits }: Serving): OnlineRequest {
  const reader = new BodyReader(body);
  const features = reader.texts("features");
  const service = reader.text("feature_service");
  const naming = reader.flag("full_feature_names", false) ? "full" : "short";
  const entities = reader.lists("entities");
  const length = lengthOf(reader, "entities", entities);
  if (service === undefined && (features === undefined || features.length === 0))
    reader.refuse("features", 'give at least one feature as "view:feature", or a feature_service');
  reader.done();
  if (length > limits.entities)
    throw new TidemarkError(
      "TOO_MANY_ENTITIES",
      `the request has ${length} entities, and a request may have ${limits.entities}; ` +
        "send several requests, or raise limits.entities of the server",
    );
  if (service === undefined && features!.length > limits.features) {
    throw new TidemarkError(
      "TOO_MANY_FEATURES",
      `the request names ${features!.length} features, and a request may name ` +
        `${limits.features}; send several requests, or raise limits.features of the server`,
    );
  }
  const plan = answerPlanOf(
    service === undefined
      ? resolver.features(features!, naming)
      : resolver.serviceFeatures(service, naming),
  );
  const keys = readKeys(plan, entities, limits.keyBytes);
  if (length === 0)
    throw new TidemarkError(
      "KEY_INVALID",
      "entities: the lists are empty; " +
        `give at least one ${plan.features.keys.map(({ name }) => name).join(", ")}`,
    );
  return { plan, service: service ?? null, length, keys };
}

function answerPlanOf(features: ResolvedFeatures): AnswerPlan {
  let plan = answerPlans.get(features);
  if (plan === undefined) {
    const { keys, selected } = features;
    const byName = new Map(keys.map((column) => [column.name, column]));
    const byEntity = new Map(
      baseFeatures(selected).flatMap(({ view: { entity, role } }) =>
        // an entity in a role is named by its key alone
        role === undefined && entity.keys.length === 1 && !byName.has(entity.name)
          ? [[entity.name, entity.keys[0]!] as const]
          : [],
      ),
    );
    plan = {
      features,
      byName,
      byEntity,
      names: selected.map(({ as }) => JSON.stringify(as)).join(","),
      texts: selected.map(({ feature }) => valueText(feature.result)),
      bytesPerEntity: (keys.length + selected.length) * VALUE_BYTES,
    };
    answerPlans.set(features, plan);
  }
  return plan;
}

/**
 * Reads the lists of entity keys. Other lists are ignored: in Feast they are inputs of on-demand
 * transformations.
 */
function readKeys(
  { features: { keys }, byName, byEntity }: AnswerPlan,
  entities: ReadonlyMap<string, readonly unknown[]>,
  keyBytes: number,
): OnlineRequest["keys"] {
  const found: { readonly column: ColumnSpec; readonly values: readonly unknown[] }[] = [];
  for (const [name, values] of entities) {
    let column = byName.get(name);
    if (column === undefined) {
      const key = byEntity.get(name);
      if (key === undefined || entities.has(key.name)) continue;
      column = key;
    }
    const isBounded = !hasAnySize(column);
    found.push({
      column,
      values: values.map((given, i) => {
        const value = keyFrom(given, column);
        if (!isBounded) checkKey(value, name, i, keyBytes);
        return value;
      }),
    });
  }
  const lacking = keys.find((column) => !found.some((one) => one.column.name === column.name));
  if (lacking !== undefined)
    throw new TidemarkError(
      "KEY_MISSING",
      `entities: key ${lacking.name} is missing (` +
        (entities.size === 0
          ? "there are none"
          : `there is ${[...entities.keys()].slice(0, 20).map(quoted).join(", ")}`) +
        "); " +
        "give a list of its values",
    );
  return found;
}

/** Reads the features, and returns the JSON text of the answer, as a stream if it is large. */
export async function onlineAnswer(
  { reads, answers }: Serving,
  { plan, keys, length }: OnlineRequest,
  { ending, requestId }: Pick<ReadBounds, "ending" | "requestId">,
): Promise<string | Readable> {
  const { selection, selected } = plan.features;
  const maxBytes = answers.check({
    entities: length,
    features: selected.length,
    bytesPerEntity: plan.bytesPerEntity,
  });
  const entities = new Array<Record<string, unknown>>(length);
  for (let i = 0; i < length; i++) {
    const entity: Record<string, unknown> = {};
    for (const { column, values } of keys) entity[column.name] = values[i];
    entities[i] = entity;
  }
  return answers.write(
    length * selected.length,
    // a client of Feast drops the statuses, so null would be another answer without a word
    () => reads(selection, entities, { ending, maxBytes, onMissing: "error", requestId }),
    (answered) => {
      let text = "";
      for (const piece of answerPieces(answered, plan, keys, length)) text += piece;
      return text;
    },
    (answered) => answerPieces(answered, plan, keys, length),
  );
}

const ZERO_TIME = '"1970-01-01T00:00:00Z"';

/** Writes an answer: the entity keys, and then each feature. */
function* answerPieces(
  { answers, first }: BatchedAnswer,
  { names, texts }: AnswerPlan,
  keys: OnlineRequest["keys"],
  length: number,
): Generator<string> {
  let text = '{"results":[';
  for (const { column, values } of keys) {
    text += '{"values":[';
    for (let i = 0; i < length; i++) text += `${i === 0 ? "" : ","}${keyText(values[i], column)}`;
    text += `],"statuses":["PRESENT"${',"PRESENT"'.repeat(length - 1)}]`;
    text += `,"event_timestamps":[${ZERO_TIME}${`,${ZERO_TIME}`.repeat(length - 1)}]},`;
  }
  yield text;
  if (length === 1) yield rowText(answers, texts, first);
  else yield* featurePieces(answers, texts, first, length);
  const keyNames = keys.map(({ column }) => `"${column.name}",`).join("");
  yield `],"metadata":{"feature_names":[${keyNames}${names}]}}`;
}

/** Writes the features of many entities, each feature as a piece. */
function* featurePieces(
  answers: readonly ResultColumns[],
  texts: readonly ValueText[],
  first: number,
  length: number,
): Generator<string> {
  // features of one view have the same event times
  let time = NaN;
  let written = ZERO_TIME;
  for (let f = 0; f < answers.length; f++) {
    const { values, statuses, times } = answers[f]!;
    const valueOf = texts[f]!;
    let [valuesText, statusesText, timesText] = ["", "", ""];
    for (let row = first; row < first + length; row++) {
      const comma = row === first ? "" : ",";
      const value = values[row]!;
      valuesText += comma + (value === null ? "null" : valueOf(value));
      statusesText += `${comma}"${statuses[row]!}"`;
      if (times[row] !== time) {
        time = times[row]!;
        written = timeJson(time);
      }
      timesText += comma + written;
    }
    yield (
      `${f === 0 ? "" : ","}{"values":[${valuesText}],` +
      `"statuses":[${statusesText}],"event_timestamps":[${timesText}]}`
    );
  }
}

/**
 * Writes the features of one entity. The text behind a value is reused while the status and the
 * event time stay the same.
 */
function rowText(
  answers: readonly ResultColumns[],
  texts: readonly ValueText[],
  row: number,
): string {
  let text = "";
  let [status, time, rest] = ["", NaN, ""];
  for (let f = 0; f < answers.length; f++) {
    const { values, statuses, times } = answers[f]!;
    if (statuses[row] !== status || times[row] !== time) {
      status = statuses[row]!;
      time = times[row]!;
      rest = `],"statuses":["${status}"],"event_timestamps":[${timeJson(time)}]}`;
    }
    const value = values[row]!;
    text += `${f === 0 ? "" : ","}{"values":[${value === null ? "null" : texts[f]!(value)}${rest}`;
  }
  return text;
}

function timeJson(micros: number): string {
  return Number.isNaN(micros) ? ZERO_TIME : `"${timeText(micros)}"`;
}
