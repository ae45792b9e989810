/**
 * What expectations are worth, naively: over a list of row versions, or over the answers of the
 * oracle. It shares only types with core.
 */
import type {
  ExpectationSpec,
  Expression,
  QualityTarget,
  Value,
} from "../../../packages/core/src/specs.ts";
import { evaluate, truth } from "./condition.ts";
import type { ReadRows } from "./lookups.ts";
import type { Oracle } from "./oracle.ts";
import { isQuarantined } from "./row-expectations.ts";
import type { RowVersion } from "./rows.ts";
import { textOfAll } from "./values.ts";

/** What a check must find. */
export interface ExpectedMeasure {
  readonly holds: boolean;
  readonly measured: number | null;
  readonly rows: number;
  readonly failing: number;
}

/** One row, or one entity with its features. */
interface Item {
  readonly time: number;
  valueOf(expression: Expression): Value;
}

/** Measures an expectation at the time `t`. */
export function expectedMeasure(
  oracle: Oracle,
  on: QualityTarget,
  spec: ExpectationSpec,
  t: number,
): ExpectedMeasure {
  const items = on.kind === "source" ? rowItems(oracle, on, t) : entityItems(oracle, on.inputs, t);
  switch (spec.kind) {
    case "holds": {
      const known = items.map((one) => one.valueOf(spec.condition)).filter((one) => one !== null);
      const failing = known.filter((one) => one === false).length;
      const measured = known.length === 0 ? null : (known.length - failing) / known.length;
      const isEnough = known.length - failing >= spec.share * known.length;
      return { holds: isEnough, measured, rows: known.length, failing };
    }
    case "unique": {
      const lists = items.map((one) => spec.columns.map((column) => one.valueOf(column)));
      const known = lists.filter((values) => !values.includes(null)).map(textOfAll);
      const repeated = known.filter((text, i) => known.indexOf(text) < i).length;
      return { holds: repeated === 0, measured: repeated, rows: known.length, failing: repeated };
    }
    case "fresh": {
      const ages = items.map(({ time }) => t - time);
      const least = ages.toSorted((a, b) => a - b)[0];
      return {
        holds: least !== undefined && least <= spec.within,
        measured: least === undefined ? null : least / 1e6,
        rows: items.length,
        failing: 0,
      };
    }
    case "volume": {
      const inWindow = (k: number): number =>
        items.filter(({ time }) => t - (k + 1) * spec.per <= time && time < t - k * spec.per)
          .length;
      const rows = inWindow(0);
      const { previous, within } = spec.usual ?? { previous: 0, within: 0 };
      const counts = Array.from({ length: previous }, (_, k) => inWindow(k + 1));
      // windows before the first row do not count
      while (counts.at(-1) === 0) counts.pop();
      const sorted = counts.toSorted((a, b) => a - b);
      const half = Math.floor(sorted.length / 2);
      const median =
        sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
      const isUnusual = sorted.length > 0 && Math.abs(rows - median) > within * median;
      const tooFew = spec.atLeast !== null && rows < spec.atLeast;
      const tooMany = spec.atMost !== null && rows > spec.atMost;
      return { holds: !tooFew && !tooMany && !isUnusual, measured: rows, rows, failing: 0 };
    }
  }
}

/** The rows that were committed before `t`, were not replaced before it, and happened before it. */
function seenVersions(
  oracle: Oracle,
  from: ReadRows,
  t: number,
): readonly { readonly version: RowVersion; readonly time: number }[] {
  const { view, versionsOf } = oracle.rowsOf(from);
  const { source, rows: condition } = view;
  const { eventTime } = source;
  return versionsOf(source.name).flatMap((version) => {
    const { from, to, values, unknown } = version;
    const time =
      eventTime.kind === "committed"
        ? from
        : values[source.columns.findIndex(({ name }) => name === eventTime.column)];
    const isThere =
      from < t && t <= to && unknown.length === 0 && !isQuarantined(source, values, null);
    const isMet = condition === undefined || truth(condition, source, values) === true;
    return isThere && isMet && typeof time === "number" && time < t ? [{ version, time }] : [];
  });
}

function rowItems(oracle: Oracle, from: ReadRows, t: number): readonly Item[] {
  const { source } = oracle.rowsOf(from).view;
  return seenVersions(oracle, from, t).map(({ version, time }) => ({
    time,
    valueOf: (expression) => plainZero(evaluate(expression, source, version.values.map(plainZero))),
  }));
}

function entityItems(
  oracle: Oracle,
  inputs: Extract<QualityTarget, { kind: "features" }>["inputs"],
  t: number,
): readonly Item[] {
  const entities = new Map<string, Readonly<Record<string, Value>>>();
  for (const { view } of inputs)
    for (const { version } of seenVersions(oracle, view, t)) {
      const values = view.keyColumns.map(
        (column) =>
          version.values[view.source.columns.findIndex(({ name }) => name === column)] ?? null,
      );
      if (!values.includes(null))
        entities.set(
          textOfAll(values),
          Object.fromEntries(view.entity.keys.map(({ name }, i) => [name, values[i]!])),
        );
    }
  const columns = inputs.map(({ view, feature }) => ({ name: `${view.name}.${feature.name}` }));
  return [...entities.values()].map((keys) => {
    const selected = inputs.map((one) => ({ ...one, as: "" }));
    const answers = oracle.answer(selected, { keys, time: t }, "known").map(({ value }) => value);
    return { time: t, valueOf: (expression) => evaluate(expression, { columns }, answers) };
  });
}

const plainZero = (value: Value): Value => (Object.is(value, -0) ? 0 : value);
