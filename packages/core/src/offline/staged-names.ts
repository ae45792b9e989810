/**
 * Names what a rewrite of versions stages: the versions of ranges of buckets, and the changes of
 * the log by bucket.
 */
import { nodeCrypto } from "../node-modules.ts";
import type { StagedChanges } from "./staged-changes.ts";
import type { BucketRange } from "./versions-from-log.ts";

/** What stands between the name of a rewrite and the id of changes that it staged. */
const CHANGES = "-changes-";

/** The name under which the versions of a range of buckets are staged. */
export function rangeName({ first, end }: BucketRange): string {
  return `${first}-${end}`;
}

export function rangeOf(name: string): BucketRange {
  const [first, end] = name.split("-").map(Number);
  return { first: first!, end: end! };
}

/** A name for the changes of a rewrite. Two processes never share one, nor their parts. */
export function newChangesName(rewrite: string): string {
  return `${rewrite}${CHANGES}${nodeCrypto().randomUUID()}`;
}

/** The name of the rewrite that staged changes under a name. null: the name is of versions. */
export function rewriteOfChanges(name: string): string | null {
  const at = name.indexOf(CHANGES);
  return at < 0 ? null : name.slice(0, at);
}

/** The name of a part of staged changes. The last one says that the log was read to its end. */
export function partName(part: number, isLast: boolean): string {
  return isLast ? `${part}-last` : String(part);
}

/** The staged changes with these parts. null: some are missing. */
export function wholeChanges(rewrite: string, parts: readonly string[]): StagedChanges | null {
  const names = Array.from(parts, (_, part) => partName(part, part === parts.length - 1));
  return names.every((name) => parts.includes(name)) ? { rewrite, names } : null;
}
