/**
 * Plants faults in the source of core, one at a time. A suite that does not notice them proves
 * nothing.
 */

export interface SourceFault {
  readonly name: string;
  /** The path below packages/core/src. */
  readonly file: string;
  /** The text to replace, which occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const sourceFaults: readonly SourceFault[] = [
  {
    name: "the event at t counts",
    file: "window/window-kernel.ts",
    find: "const last = lowerBound(time, start, end, t);",
    replace: "const last = lowerBound(time, start, end, t + 1);",
  },
  {
    name: "the event at t − w does not count",
    file: "window/window-kernel.ts",
    find: "lowerBound(time, start, last, t - window)",
    replace: "lowerBound(time, start, last, t - window + 1)",
  },
  {
    name: "a version is seen at its commit and unseen at its end",
    file: "window/window-law.ts",
    find: "return from < t && t <= to;",
    replace: "return from <= t && t < to;",
  },
  {
    name: "an answer is kept until the row before it leaves",
    file: "window/unchanged-until.ts",
    find: "time[oldest]! + span",
    replace: "time[oldest]! + span + 1",
  },
  {
    name: "an answer is kept although a row has come in",
    file: "window/unchanged-until.ts",
    find: "isWindow ? time[next]! : time[next]! - 1",
    replace: "isWindow ? time[next]! + 1 : time[next]!",
  },
  {
    name: "of facts with one time the last in the file wins",
    file: "asof/as-of-kernel.ts",
    find: "if (best < 0 || winsTie(i, best)) best = i;",
    replace: "if (best < 0) best = i;",
  },
  {
    name: "the fact at t − ttl has expired",
    file: "asof/as-of-kernel.ts",
    find: "time[newest]! < t - plan.ttl",
    replace: "time[newest]! <= t - plan.ttl",
  },
  {
    name: "doubles are rounded at each step",
    file: "aggregate/sum.ts",
    find: "        exact.add(values[row]!);",
    replace:
      "        const before = exact.round();\n        exact.reset();\n        " +
      "exact.add(before + values[row]!);",
  },
  {
    name: "an int64 sum does not saturate",
    file: "aggregate/sum.ts",
    find: "if (total >= low && total <= high) return total;",
    replace: "return total;",
  },
  {
    name: "count(column) counts missing values",
    file: "aggregate/count.ts",
    find: "rows += valid[list[i]!]!;",
    replace: "rows++;",
  },
  {
    name: "strings go by UTF-16 units",
    file: "columns/compare.ts",
    find: "if (a === b) return 0;",
    replace: "if (a === b) return 0;\n  if (a.length >= 0) return a < b ? -1 : 1;",
  },
  {
    name: "a condition that is unknown passes",
    file: "columns/filter.ts",
    find: "truth(row) === true",
    replace: "truth(row) !== false",
  },
  {
    name: "a default is forgotten",
    file: "window/timed-rows.ts",
    find: "value === null && feature.default !== undefined ? feature.default : value",
    replace: "value === null && feature.default !== undefined ? value : value",
  },
  {
    name: "a deleted row leaves no tombstone",
    file: "online/row-cells.ts",
    find: "if (isRedelivery(stored, change)) return stored;",
    replace:
      "if (isRedelivery(stored, change)) return stored;\n  if (change.values === null) return [];",
  },
  {
    name: "the last to arrive wins",
    file: "online/row-cells.ts",
    find: "compareChanges(change, before) > 0",
    replace: "compareChanges(change, before) !== 0",
  },
  {
    name: "a truncate does not hide what it took",
    file: "online/stored-rows.ts",
    find: "if (truncates.length === 0) return",
    replace: "if (truncates.length >= 0) return",
  },
  {
    name: "an old key is ignored",
    file: "rows/row-change.ts",
    find: "return change.oldKey === null ?",
    replace: "return change.oldKey === null || change.offset >= 0 ?",
  },
  {
    name: "known-from is not raised",
    file: "rows/row-versions.ts",
    find: "Math.max(committed, open.from)",
    replace: "committed",
  },
  {
    name: "an equal upsert makes a version",
    file: "rows/row-versions.ts",
    find: "if (open !== undefined && sameImage(source, open, next)) {",
    replace: "if (open !== undefined && next.values === null && sameImage(source, open, next)) {",
  },
  {
    name: "a column the log left out is null",
    file: "rows/row-versions.ts",
    find: "merged[index] = stored.values![index]!;",
    replace: "merged[index] = null;",
  },
  {
    name: "the row stays where it was when it moves",
    file: "online/entity-log-edit.ts",
    find: "if (!remove.matches(rows[i]!)) continue;",
    replace: "if (rows.length > 0) continue;",
  },
  {
    name: "as corrected sees versions that were replaced",
    file: "offline/version-events.ts",
    find: "(corrected && to !== Infinity)",
    replace: "(corrected && to === -Infinity)",
  },
];

/** Returns the source with the fault; spaces and line breaks of the formatter do not matter. */
export function withFault({ file, find, replace }: SourceFault, source: string): string {
  const pattern = find
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
  const found = source.match(new RegExp(pattern, "g")) ?? [];
  if (found.length !== 1) throw new Error(`"${find}" stands ${found.length} times in ${file}`);
  return source.replace(found[0]!, () => replace);
}
