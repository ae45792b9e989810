/** Turns the body of a request for features into the text of its answer. */
import type { Limits } from "../limits.ts";
import type { Serving } from "../serving.ts";
import type { AskedFeatures } from "./asked-features.ts";
import { bodyOf, choiceIn, flagIn, rowsIn, textsIn, timeIn, type Body } from "./request-body.ts";
import type { Int64Form } from "./wire-values.ts";

export interface FeaturesQuestion {
  readonly asked: AskedFeatures;
  readonly entities: readonly unknown[];
  readonly asOf: string | undefined;
  readonly metadata: boolean;
  readonly int64: Int64Form;
}

const OPTIONS = ["entities", "asOf", "metadata", "int64"] as const;
export const INT64_FORMS = ["string", "number"] as const;

/** Reads the features that the body names. */
export function namedQuestion(
  given: unknown,
  list: (names: readonly string[]) => AskedFeatures,
  limits: Limits,
): FeaturesQuestion {
  const body = bodyOf(given, ["features", ...OPTIONS]);
  return question(body, list(textsIn(body, "features", limits.features)), limits);
}

/** Reads the body of a request whose path names the features. */
export function questionFor(
  given: unknown,
  asked: AskedFeatures,
  limits: Limits,
): FeaturesQuestion {
  return question(bodyOf(given, OPTIONS), asked, limits);
}

function question(body: Body, asked: AskedFeatures, limits: Limits): FeaturesQuestion {
  return {
    asked,
    entities: rowsIn(body, "entities", limits.entities, "TOO_MANY_ENTITIES"),
    asOf: timeIn(body, "asOf"),
    metadata: flagIn(body, "metadata"),
    int64: choiceIn(body, "int64", INT64_FORMS),
  };
}

export async function answerText(
  { store, reads }: Serving,
  { asked, entities, asOf, metadata, int64 }: FeaturesQuestion,
  signal: () => AbortSignal,
): Promise<string> {
  const rows = entities.map(asked.readRow);
  const answered =
    asOf === undefined
      ? await reads(asked.selection, rows)
      : {
          ...(await store.getOnlineColumns({
            features: asked.selection,
            entities: rows,
            asOf,
            signal: signal(),
          })),
          first: 0,
        };
  return asked.writer(int64, metadata)(answered, entities.length);
}
