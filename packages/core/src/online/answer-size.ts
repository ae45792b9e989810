/** The limit of the texts and bytes of one answer. */
import { TidemarkError } from "../errors.ts";
import type { ResultWriter } from "../window/timed-rows.ts";
import { isLastPart, type EntityRequest } from "./entity-requests.ts";
import type { OnlineQuery } from "./online-query.ts";

/**
 * Counts the texts and bytes of the answer, under each of their names. null: they have no limit.
 */
export function textCounter(
  { maxBytes }: OnlineQuery,
  results: readonly (readonly ResultWriter[])[],
): { add(requests: readonly EntityRequest[], from: number, to: number): void } | null {
  if (maxBytes === undefined) return null;
  let bytes = 0;
  return {
    add(requests, from, to) {
      for (let i = from; i < to; i++) {
        const request = requests[i]!;
        const { plan, row, count } = request;
        if (plan.textColumns.length === 0 || !isLastPart(request)) continue;
        for (const c of plan.textColumns) {
          const value = results[plan.position]![c]!.values[row]!;
          if (typeof value === "string" || value instanceof Uint8Array)
            bytes += value.length * count;
        }
      }
      if (bytes > maxBytes) throw answerTooLarge(maxBytes);
    },
  };
}

function answerTooLarge(maxBytes: number): TidemarkError {
  return new TidemarkError(
    "ANSWER_TOO_LARGE",
    `the answer: its texts and bytes are larger than ${maxBytes} bytes, its maxBytes ` +
      "(limits.answerBytes of a server); ask for fewer entities or features",
  );
}
