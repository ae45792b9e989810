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
  /** Whether it shows only where sources expect something of their rows. Default: it does not. */
  readonly expected?: true | undefined;
}

/** Faults of the nodes of entity logs. They show where entities have many segments. */
export const nodeFaults: readonly SourceFault[] = [
  {
    name: "a block's written state is left out",
    file: "online/nodes/read-tree.ts",
    find: "accumulator.mergeEncoded(state, node.readerAt(r, index));",
    replace: "void index;",
  },
  {
    name: "a block's states hold rows that do not pass",
    file: "online/nodes/partial-states.ts",
    find: "bindFilters(condition, where, batch, overflows)",
    replace: "bindFilters(null, null, batch, overflows)",
  },
  {
    name: "states of blocks stay after a late row",
    file: "online/nodes/log-tree.ts",
    find: "const states = partials.ofRows(rows);",
    replace: "const states = partials.ofRows(rows.slice(0, 1));",
  },
  {
    name: "a block of which a truncate hides some rows counts whole",
    file: "online/answer-rows.ts",
    find: 'return minOrder >= newest ? needsAt(block, isTied) : "rows";',
    replace: "return needsAt(block, isTied);",
  },
];

export const sourceFaults: readonly SourceFault[] = [
  {
    name: "expectations count a row that was deleted",
    file: "quality/rows-at.ts",
    find: "isKnown(from[i]!, to[i]!, t) &&",
    replace: "from[i]! < t &&",
  },
  {
    name: "a row that an expectation quarantines is in windows of the history",
    file: "offline/version-rows.ts",
    find: "if (!hasFault && !mayBeUnexpected &&",
    replace: "if (!hasFault &&",
    expected: true,
  },
  {
    name: "the columns that expectations read are not stored online",
    file: "online/source-layout.ts",
    find: "for (const column of columnsOfQuarantine(source)) names.add(column);",
    replace: "",
    expected: true,
  },
  {
    name: "a row whose expectation is unknown is quarantined",
    file: "rows/row-expectations.ts",
    find: "return truth(0) === false;",
    replace: "return truth(0) !== true;",
    expected: true,
  },
  {
    name: "expectations count rows whose condition is unknown",
    file: "quality/measures.ts",
    find: "if (truth === null) return;",
    replace: "",
  },
  {
    name: "the event at t counts",
    file: "window/window-kernel.ts",
    find: "const beforeT = lowerBound(time, start, end, t);",
    replace: "const beforeT = lowerBound(time, start, end, t + 1);",
  },
  {
    name: "the event at t − w does not count",
    file: "window/window-rows.ts",
    find: "lowerBound(time, start, last, edges.start(t))",
    replace: "lowerBound(time, start, last, edges.start(t) + 1)",
  },
  {
    name: "the event at t − w leaves a sliding window",
    file: "window/sliding-group.ts",
    find: "lowerBoundAfter(time, first, newLast, edges.start(t))",
    replace: "lowerBoundAfter(time, first, newLast, edges.start(t) + 1)",
  },
  {
    name: "a version that was replaced stays in a sliding window",
    file: "window/sliding-group.ts",
    find: "if (wasKnown) leaving[left++] = row;",
    replace: "if (wasKnown) continue;",
  },
  {
    name: "a version is seen at its commit and unseen at its end",
    file: "window/window-law.ts",
    find: "return from < t && t <= to;",
    replace: "return from <= t && t < to;",
  },
  {
    name: "of elements of one list the first is the newest",
    file: "window/explode-rows.ts",
    find: "positions.push(i);",
    replace: "positions.push(-i);",
  },
  {
    name: "a row without a list has an element",
    file: "window/explode-rows.ts",
    find: "(listAt(row) ?? [])",
    replace: "(listAt(row) ?? [null])",
  },
  {
    name: "elements of a row that a derived source leaves out count",
    file: "window/union-rows.ts",
    find: "const rows = passingRows(node, batch, overflows).filter((row) => entity[row]! >= 0);",
    replace: "const rows = entity.map((_, row) => row).filter((row) => entity[row]! >= 0);",
  },
  {
    name: "an answer is kept until the row before it leaves",
    file: "window/unchanged-until.ts",
    find: "[entersAfter, leavesAfter]",
    replace: "[entersAfter, leavesAfter.map((span) => span + 1)]",
  },
  {
    name: "an answer is kept although a row has come in",
    file: "window/unchanged-until.ts",
    find: "[entersAfter, leavesAfter]",
    replace: "[entersAfter.map((span) => span + 1), leavesAfter]",
  },
  {
    name: "of facts with one time the last in the file wins",
    file: "asof/as-of-kernel.ts",
    find: "if (best < 0 || order(i, best) > 0) best = i;",
    replace: "if (best < 0) best = i;",
  },
  {
    name: "an event at the moment of a commit looks the new version up",
    file: "asof/lookup.ts",
    find: "if (from[middle]! < time) low = middle + 1;",
    replace: "if (from[middle]! <= time) low = middle + 1;",
  },
  {
    name: "an event looks up the newest version of a dimension's row",
    file: "asof/lookup.ts",
    find: "let low = starts[key]!;",
    replace: "let low = starts[key + 1]!;",
  },
  {
    name: "an event looks a row up that was deleted before it",
    file: "asof/lookup.ts",
    find: "if (time <= to[version]!) return version;",
    replace: "return version;",
  },
  {
    name: "rows of one time are in a window as they arrived",
    file: "window/window-rows.ts",
    find: "if (inOrder) sortTies(chosenRows, length, time, order!);",
    replace: "",
  },
  {
    name: "a gap as long as that of sessions begins none",
    file: "aggregate/session-state.ts",
    find: "state.sessions === 0 || since >= gap",
    replace: "state.sessions === 0 || since > gap",
  },
  {
    name: "asOf() is the time of the machine",
    file: "expr/functions/time.ts",
    find: "return (row) => timeOf(row);",
    replace: "return () => Date.now() * 1000;",
  },
  {
    name: "answers that move with the clock are kept",
    file: "online/prepared-plans.ts",
    find: " && !movesWithClock(plan)",
    replace: "",
  },
  {
    name: "the fact at t − ttl has expired",
    file: "asof/as-of-kernel.ts",
    find: "time[newest]! < t - ttl",
    replace: "time[newest]! <= t - ttl",
  },
  {
    name: "doubles are rounded at each step",
    file: "statistics/sum-state.ts",
    find: "state.rows += state.sum.addRows(values, valid, list, length, 1);",
    replace:
      "for (const row of list.subarray(0, length)) {\n" +
      "  if (valid !== null && valid[row] === 0) continue;\n" +
      "  const sum = Float64Array.of(state.sum.round() + values[row]!);\n" +
      "  state.sum.reset();\n" +
      "  state.rows += state.sum.addRows(sum, null, Int32Array.of(0), 1, 1);\n" +
      "}",
  },
  {
    name: "an int64 sum does not saturate",
    file: "statistics/sum-state.ts",
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
    name: "a population is taken for a sample",
    file: "statistics/moments.ts",
    find: 'over === "sample" ? n - 1 : n',
    replace: "n - 1",
  },
  {
    name: "a function of a list counts missing elements",
    file: "expr/functions/lists.ts",
    find: "layout.of(elements, (value) => value)",
    replace: "{ ...layout.of(elements, (value) => value), valid: null }",
  },
  {
    name: "a row with one of two arguments counts",
    file: "statistics/joint-moments.ts",
    find: "if (y.valid !== null && y.valid[row] === 0) continue;",
    replace: "",
  },
  {
    name: "of rows with equal by the oldest is the answer",
    file: "aggregate/value-by.ts",
    find: "compare(by, best) * sign >= 0",
    replace: "compare(by, best) * sign > 0",
  },
  {
    name: "strings go by UTF-16 units",
    file: "types/order.ts",
    find: "if (a === b) return 0;",
    replace: "if (a === b) return 0;\n  if (a.length >= 0) return a < b ? -1 : 1;",
  },
  {
    name: "a condition that is unknown passes",
    file: "expr/bind.ts",
    find: "truth(row) === true",
    replace: "truth(row) !== false",
  },
  {
    name: "a function reads a window of the request before",
    file: "window/window-kernel.ts",
    find: "values[position] = value;",
    replace: "values[position] ??= value;",
  },
  {
    name: "aggregates that differ in their condition are computed once",
    file: "plan/compile.ts",
    find: "dataText([aggregate, options ?? {}, arguments_, by, where, window])",
    replace: "dataText([aggregate, options ?? {}, arguments_, by, window])",
  },
  {
    name: "a default is forgotten",
    file: "window/timed-rows.ts",
    find: "value === null && column.default !== undefined ? column.default : value",
    replace: "value === null && column.default !== undefined ? value : value",
  },
  {
    name: "a deleted row leaves no tombstone",
    file: "online/row-cells.ts",
    find: "const newest = stored.at(-1);",
    replace: "if (change.values === null) return [];\n  const newest = stored.at(-1);",
  },
  {
    name: "the last to arrive wins",
    file: "online/row-cells.ts",
    find: "compareChanges(change, newest) > 0",
    replace: "compareChanges(change, newest) !== 0",
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
    find: "return change.oldKey === null",
    replace: "return change.oldKey === null || change.offset >= 0",
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
    find: "if (!matches(rows[i]!)) continue;",
    replace: "if (rows.length > 0) continue;",
  },
  {
    name: "the outputs of a transform are taken unchecked",
    file: "request/transform-values.ts",
    find: "fromUser( Object.hasOwn(returned, output.name)",
    replace:
      "((value: unknown, ..._: unknown[]) => value as Value)( Object.hasOwn(returned, output.name)",
  },
  {
    name: "the keys of a role are swapped",
    file: "define/roles.ts",
    find: "keys: entity.keys.map((key) => inRole(key, names))",
    replace:
      "keys: entity.keys.map((key, i, { length }) => " +
      "({ ...key, name: nameIn(names, entity.keys[length - 1 - i]!.name) }))",
  },
  {
    name: "as corrected sees versions that were replaced",
    file: "offline/events-builder.ts",
    find: "(corrected && to[i] !== Infinity)",
    replace: "(corrected && to[i] === -Infinity)",
  },
  {
    name: "corrections stand beside the versions that they replace",
    file: "offline/stored-versions.ts",
    find: "withoutKeys(firstColumns(batch, columns.length), [find(batch)])",
    replace: "withoutKeys(firstColumns(batch, columns.length), [])",
  },
  {
    name: "older corrections stand beside newer ones",
    file: "offline/stored-versions.ts",
    find: "if (keys.has(text)) continue;",
    replace: "if (keys.size < 0) continue;",
  },
  {
    name: "a merge keeps what the corrections replaced",
    file: "offline/commit-versions.ts",
    find: "[superseded, changedKeys]",
    replace: "[changedKeys]",
  },
  {
    name: "the time bucket where a window begins is not read",
    file: "offline/stored-versions.ts",
    find: "bucketIndex(buckets, range.min);",
    replace: "bucketIndex(buckets, range.min) + 1;",
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
