/**
 * Says what each change of a log is under other definitions of its source, from what the writer of
 * the log knows (law 11: answers are those of the asker's definitions).
 */
import type { ColumnSpec, SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import type { Scenario } from "../generate/scenario.ts";
import { plainText, readField } from "./field-reading.ts";

/** The column of messages that the scenario's own definitions do not name. */
export const UNDECLARED_COLUMN = "added later";

/** Returns the changes of these sources under their definitions, in the order of delivery. */
export function redefinedChanges(
  scenario: Scenario,
  sources: readonly SourceSpec[],
): readonly Change[] {
  const asked = new Map(sources.map((source) => [source.name, source]));
  return scenario.truth.flatMap((change, line) => {
    const source = asked.get(change.source);
    return source === undefined ? [] : [redefinedChange(scenario, line, change, source)];
  });
}

function redefinedChange(
  scenario: Scenario,
  line: number,
  change: Change,
  asked: SourceSpec,
): Change {
  const table = scenario.sources.find(({ name }) => name === change.source)!;
  const written = scenario.written[line]!;
  const shape = scenario.traits.shape;
  const index = ({ database }: ColumnSpec): number =>
    table.columns.findIndex((column) => column.database === database);
  const key = asked.primaryKey.map((name) => asked.columns.find((one) => one.name === name)!);
  const valueOf = (column: ColumnSpec, values: readonly Value[]): Value => {
    const i = index(column);
    if (i < 0) {
      if (written === null || column.database !== UNDECLARED_COLUMN) return null;
      const json = written.undeclared ?? "null";
      return readField({ json, column: null, wire: "plain", shape }, column);
    }
    const own = table.columns[i]!;
    if (sameType(own, column)) return values[i]!;
    if (change.unavailable.includes(i)) return null;
    // a delete carries its key alone
    if (written === null) return keyUnder(column, own, values[i]!);
    const wire = scenario.wires.get(table.name)![i]!;
    return readField({ json: written.fields[i]!, column: own, wire, shape }, column);
  };
  const keyOnly = change.kind === "delete" || change.undecodable !== null;
  const values =
    change.values === null
      ? null
      : asked.columns.map((column) =>
          keyOnly && !key.includes(column) ? null : valueOf(column, change.values!),
        );
  const oldKey =
    change.oldKey === null
      ? null
      : key.map((column) => {
          const own = table.columns[index(column)]!;
          const value = change.oldKey![table.primaryKey.indexOf(own.name)]!;
          return sameType(own, column) ? value : keyUnder(column, own, value);
        });
  const unavailable = asked.columns.flatMap((column, i) =>
    change.unavailable.includes(index(column)) ? [i] : [],
  );
  // a row whose primary key the asked definition cannot read is no row of it
  if (values !== null && key.some((column) => values[asked.columns.indexOf(column)] === null))
    return { ...change, kind: "none", values: null, oldKey: null, unavailable: [] };
  return { ...change, values, oldKey, unavailable, invalidColumns: [], nonFinite: 0 };
}

/** Says whether two columns hold the same values. */
function sameType(a: ColumnSpec, b: ColumnSpec): boolean {
  return a.type === b.type && a.precision === b.precision && a.scale === b.scale;
}

/** Returns what `column` reads of a message key that has this value in its own column. */
function keyUnder(column: ColumnSpec, own: ColumnSpec, value: Value): Value {
  const json =
    typeof value === "bigint"
      ? plainText({ digits: value, scale: own.scale ?? 0 })
      : JSON.stringify(value);
  return readField({ json, column: null, wire: "plain", shape: "bare" }, column);
}
