/** Lists of at most so many elements, and their bounds. */
import { MAX_ELEMENTS, type NumberOption } from "../define/aggregation-kind.ts";
import { checkOptions } from "../define/options.ts";
import type { TypeSpec } from "../specs.ts";

/** How many elements a list may have. */
export const elementCount: NumberOption = { from: 1, to: MAX_ELEMENTS, whole: true };

/** Whether each value comes once: the option `distinct`, which is false if it is left out. */
export function distinctOption(who: string, options: object): boolean {
  const { distinct = false } = checkOptions(who, options, ["distinct"]);
  return distinct as boolean;
}

/** The form of a list of values of this form. It is empty over nothing, and never null. */
export function listOf(form: TypeSpec): TypeSpec {
  return { type: "list", nullable: false, element: { ...form, nullable: false } };
}
