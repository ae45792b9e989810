/** Prints what a run did not take. */
import type { NotTaken } from "@tidemark/core";
import { isExpected, notTakenText } from "@tidemark/core/internal";

/** One line for each reason, without the skipped messages that every healthy log holds. */
export function notTakenLines(entries: readonly NotTaken[]): readonly string[] {
  return entries
    .filter((entry) => !isExpected(entry))
    .map((entry) => `not taken: ${notTakenText(entry)}`);
}

/** Whether a message of a declared source could not be read. */
export function hasUndecodable(entries: readonly NotTaken[]): boolean {
  return entries.some(({ kind }) => kind === "undecodable");
}
