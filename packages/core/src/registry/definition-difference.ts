/** The difference of one object between the applied definitions and the current ones. */
import type { ObjectKind } from "./normalized-definitions.ts";

/** One object that would be added, changed, renamed or removed. */
export interface DefinitionDifference {
  readonly kind: ObjectKind;
  readonly name: string;
  /** "renamed": a feature whose former name was applied, and is answered too. */
  readonly action: "added" | "changed" | "renamed" | "removed";
  /** The object's version after it is applied. */
  readonly version: number;
  /** For a changed or renamed object: the changes, such as `window: 7d → 30d`. */
  readonly details: readonly string[];
  /** Applied views and services that are made of the object. */
  readonly usedBy: readonly string[];
  /**
   * Why a caller of the applied definition would get another answer, or no answer. null: every
   * caller gets the same answer.
   */
  readonly destructive: string | null;
}
