/** Limits the answers of requests for features: each of them, and all that are computed now. */
import { Readable } from "node:stream";
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import { eventLoopYielder } from "@tidemark/core/internal";

/**
 * The number of values from which an answer is written in pieces, and takes its values from
 * `limits.valuesInFlight`.
 */
const LARGE_ANSWER = 10_000;

/** The size of an answer, before it is computed. */
export interface AnswerSize {
  readonly entities: number;
  /** The number of features, each of its names counted. */
  readonly features: number;
  /** About the least size of the answer of one entity in bytes, without texts. */
  readonly bytesPerEntity: number;
}

/** Limits answers. */
export interface AnswerLimits {
  /**
   * Checks the size of an answer, and returns how many bytes are left for its texts.
   *
   * @throws TOO_MANY_VALUES when the answer has more values than `limits.values`.
   * @throws ANSWER_TOO_LARGE when the answer is larger than `limits.answerBytes`.
   */
  check(size: AnswerSize): number;
  /**
   * Computes and writes an answer of `values` values. A large answer becomes a stream of pieces:
   * its values count until its last piece was read.
   *
   * @throws SERVER_BUSY when the answers that are computed now have `limits.valuesInFlight` values.
   * @throws ANSWER_TOO_LARGE when the texts of the answer are larger than `limits.answerBytes`.
   */
  write<T>(
    values: number,
    compute: () => Promise<T>,
    text: (computed: T) => string,
    pieces: (computed: T) => Iterable<string>,
  ): Promise<string | Readable>;
}

/** Makes the limits of answers. */
export function answerLimits({
  values: maxValues,
  valuesInFlight,
  answerBytes,
}: {
  readonly values: number;
  readonly valuesInFlight: number;
  readonly answerBytes: number;
}): AnswerLimits {
  let inFlight = 0;

  const tooLarge = (): TidemarkError =>
    new TidemarkError(
      "ANSWER_TOO_LARGE",
      `the answer would be larger than ${answerBytes} bytes; ` +
        "request fewer entities, features or long names, or raise limits.answerBytes of the server",
    );

  return {
    check({ entities, features, bytesPerEntity }) {
      if (entities * features > maxValues)
        throw new TidemarkError(
          "TOO_MANY_VALUES",
          `the request has ${entities} entities and ${features} features, which are ` +
            `${entities * features} values, and a request may have ${maxValues}; ` +
            "send several requests, or raise limits.values of the server",
        );
      const left = answerBytes - entities * bytesPerEntity;
      if (left < 0) throw tooLarge();
      return left;
    },

    async write(values, compute, text, pieces) {
      const computed = async () =>
        compute().catch((error: unknown) => {
          throw isTidemarkError(error, "ANSWER_TOO_LARGE") ? tooLarge() : error;
        });
      if (values <= LARGE_ANSWER) return text(await computed());
      if (inFlight + values > Math.max(valuesInFlight, values))
        throw new TidemarkError(
          "SERVER_BUSY",
          `the server: the answers that are computed now have ${inFlight} values, and ` +
            `limits.valuesInFlight allows ${valuesInFlight}; repeat the request after a second`,
        );
      inFlight += values;
      const release = (): void => {
        inFlight -= values;
      };
      try {
        const stream = Readable.from(inTurns(pieces(await computed())), { objectMode: false });
        return stream.once("close", release);
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** Gives way between pieces, so that other requests are answered meanwhile. */
async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string> {
  const giveWay = eventLoopYielder();
  for (const piece of pieces) {
    yield piece;
    const turn = giveWay();
    if (turn !== undefined) await turn;
  }
}
