/** The apply log of a registry: who applied what, when, and from where. */
import type { DefinitionDifference } from "./definition-difference.ts";
import { isAppliedBy, type AppliedBy } from "./applied-by.ts";

/** A change that an apply made. */
export type AppliedChange = Pick<
  DefinitionDifference,
  "kind" | "name" | "action" | "version" | "details" | "destructive"
>;

/** One apply of a registry. */
export interface AppliedVersion extends AppliedBy {
  /** The version of the registry after the apply. */
  readonly version: number;
  /** Where the definitions came from, such as a commit. null: it is not known. */
  readonly from: string | null;
  /** The changes. null: the registry was applied before Tidemark kept them. */
  readonly changes: readonly AppliedChange[] | null;
  /** The number of changes that are left out, because the log has limits. */
  readonly omitted: number;
}

/** The applies that a registry keeps. */
const MAX_APPLIES = 500;
/** The changes that the log keeps of one apply. */
const MAX_CHANGES = 200;
/** The details that the log keeps of one change. */
const MAX_DETAILS = 20;
/** The characters that the log keeps of a detail, and of a name of a caller or of a place. */
const MAX_CHARACTERS = 200;
/** The characters of the whole log. */
const MAX_LOG_LENGTH = 1 << 20;

/** Adds an apply to the log, newest last. The oldest beyond the limit are left out. */
export function withApply(
  log: readonly AppliedVersion[],
  { version, applied, from }: { version: number; applied: AppliedBy; from: string | null },
  changes: readonly DefinitionDifference[],
): readonly AppliedVersion[] {
  const kept = changes.slice(0, MAX_CHANGES);
  const newest: AppliedVersion = {
    version,
    at: applied.at,
    by: shortened(applied.by),
    from: from === null ? null : shortened(from),
    changes: kept.map(({ kind, name, action, version: next, details, destructive }) => ({
      kind,
      name,
      action,
      version: next,
      details: details.slice(0, MAX_DETAILS).map(shortened),
      destructive,
    })),
    omitted: changes.length - kept.length,
  };
  const entries = [...log, newest].slice(-MAX_APPLIES);
  const lengths = entries.map((entry) => JSON.stringify(entry).length);
  let length = lengths.reduce((sum, one) => sum + one, 0);
  let first = 0;
  while (length > MAX_LOG_LENGTH && first < entries.length - 1) length -= lengths[first++]!;
  return entries.slice(first);
}

/** Reads the log of a stored snapshot. null: it has another form. */
export function applyLogOf(stored: unknown): readonly AppliedVersion[] | null {
  if (stored === undefined) return [];
  if (!Array.isArray(stored)) return null;
  return stored.every(isEntry) ? (stored as readonly AppliedVersion[]) : null;
}

function isEntry(value: unknown): boolean {
  if (!isAppliedBy(value)) return false;
  const { version, from, changes, omitted } = value as Partial<AppliedVersion>;
  return (
    Number.isSafeInteger(version) &&
    (from === null || typeof from === "string") &&
    (changes === null || Array.isArray(changes)) &&
    Number.isSafeInteger(omitted)
  );
}

/** Returns the applies, newest first. The newest is known also of a registry without a log. */
export function newestFirst(
  log: readonly AppliedVersion[],
  newest: AppliedBy & { readonly version: number },
): readonly AppliedVersion[] {
  const { version, at, by } = newest;
  return log.at(-1)?.version === version
    ? log.toReversed()
    : [{ version, at, by, from: null, changes: null, omitted: 0 }, ...log.toReversed()];
}

function shortened(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
}
