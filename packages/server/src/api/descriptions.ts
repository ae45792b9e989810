/** Describes features in words, for readers who do not see the TypeScript of the definitions. */
import { toJson } from "@tidemark/core";
import {
  formatDate,
  formatTime,
  type ColumnSpec,
  type FeatureSpec,
  type Value,
  type ViewSpec,
} from "@tidemark/core/spi";
import { durationText, toUser } from "@tidemark/core/internal";

type Condition = NonNullable<FeatureSpec["where"]>;

/** Describes a feature, such as `sum(transactions.amount) over 7d where vendor = "Hospital"`. */
export function featureText(view: ViewSpec, feature: FeatureSpec): string {
  const { aggregate, column, window, where, result } = feature;
  const { name } = view.source;
  const what = `${aggregate}(${column === null ? name : `${name}.${column}`})`;
  const over =
    window === null
      ? view.ttl === null
        ? ""
        : `, not older than ${durationText(view.ttl)}`
      : ` over ${durationText(window)}`;
  const replaced =
    feature.default === undefined ? "" : `; null is ${literalText(feature.default, result)}`;
  const filter = where === null ? "" : ` where ${conditionText(where, view.source.columns, false)}`;
  return `${what}${over}${filter}${replaced}`;
}

function conditionText(
  condition: Condition,
  columns: readonly ColumnSpec[],
  inner: boolean,
): string {
  switch (condition.kind) {
    case "compare":
      return (
        `${condition.column} ${condition.op} ` +
        `${literalText(condition.value, columnOfSource(columns, condition.column))}`
      );
    case "in": {
      const column = columnOfSource(columns, condition.column);
      const values = condition.values.map((value) => literalText(value, column));
      return `${condition.column} in (${values.join(", ")})`;
    }
    case "null":
      return `${condition.column} is ${condition.not ? "not " : ""}null`;
    case "not":
      return `not (${conditionText(condition.term, columns, false)})`;
    default: {
      const text = condition.terms
        .map((term) => conditionText(term, columns, true))
        .join(` ${condition.kind} `);
      return inner && condition.terms.length > 1 ? `(${text})` : text;
    }
  }
}

function columnOfSource(columns: readonly ColumnSpec[], name: string): ColumnSpec {
  return columns.find((column) => column.name === name)!;
}

function literalText(value: Value, column: ColumnSpec): string {
  if (value === null) return "null";
  switch (column.type) {
    case "timestamp":
      return formatTime(value as number);
    case "date":
      return formatDate(value as number);
    case "string":
      return JSON.stringify(value);
    case "json":
      return value as string;
    default:
      return String(toJson(toUser(value, { ...column, mode: undefined })));
  }
}
