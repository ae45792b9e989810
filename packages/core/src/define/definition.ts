/** Makes definitions: frozen objects without a prototype, which carry their spec under a symbol. */
import { TidemarkError } from "../errors.ts";
import type {
  AggregateName,
  ColumnSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  ServiceSpec,
  SourceSpec,
  Value,
  ViewSpec,
} from "../specs.ts";
import { toJson } from "./to-json.ts";

/**
 * A registered symbol, not a local one.
 * The `tidemark` command has its own copy of this package, and must recognize a project's
 * definitions.
 */
const definitionSymbol: unique symbol = Symbol.for("tidemark.definition/1") as never;

export interface Window {
  /** The window as it was written: `7d`. */
  readonly text: string;
  readonly micros: number;
}

export interface AggregationState {
  readonly aggregate: AggregateName;
  /** Name of the source; null until a column or a condition sets it. */
  readonly source: string | null;
  readonly column: ColumnSpec | null;
  readonly where: Expression | null;
  /** Columns that the condition reads. */
  readonly conditionColumns: readonly ColumnSpec[];
  readonly windows: readonly Window[];
  /** True for several windows: each feature's name then ends in its window. */
  readonly suffixed: boolean;
  readonly default: Value | undefined;
}

export type Definition =
  | { readonly kind: "column type"; readonly spec: ColumnSpec }
  | { readonly kind: "column"; readonly source: string; readonly spec: ColumnSpec }
  | { readonly kind: "entity"; readonly spec: EntitySpec }
  | { readonly kind: "committed"; readonly since: string | null }
  | { readonly kind: "source"; readonly spec: SourceSpec }
  | {
      readonly kind: "condition";
      readonly source: string;
      readonly columns: readonly ColumnSpec[];
      readonly expression: Expression;
    }
  | ({ readonly kind: "aggregation" } & AggregationState)
  | {
      readonly kind: "feature";
      readonly view: ViewSpec;
      readonly spec: FeatureSpec;
      readonly as: string;
    }
  | { readonly kind: "view"; readonly spec: ViewSpec }
  | { readonly kind: "service"; readonly spec: ServiceSpec }
  | { readonly kind: "micros"; readonly micros: number };

/** Makes a definition. `members` are its string properties; everything else is under symbols. */
export function makeDefinition<T>(
  definition: Definition,
  title: string,
  members: Readonly<Record<string, unknown>> = {},
): T {
  const names = Object.keys(members).filter((name) => typeof members[name] !== "function");
  const text = names.length === 0 ? title : `${title} { ${names.join(", ")} }`;
  const made: object = Object.create(null, {
    // The symbol is enumerable, so a spread keeps it, as the spread's type does.
    [definitionSymbol]: { value: freezeDeep(definition), enumerable: true },
    [Symbol.for("nodejs.util.inspect.custom")]: { value: () => text },
    [Symbol.toPrimitive]: { value: () => title },
    [Symbol.toStringTag]: { value: "tidemark" },
  });
  // A column may be called toJSON.
  if (!Object.hasOwn(members, "toJSON"))
    Object.defineProperty(made, "toJSON", { value: () => toJson(jsonOf(definition)) });
  for (const name of Object.keys(members)) {
    Object.defineProperty(made, name, {
      value: members[name],
      enumerable: typeof members[name] !== "function",
    });
  }
  return Object.freeze(made) as T;
}

function jsonOf(definition: Definition): unknown {
  return "spec" in definition ? definition.spec : definition;
}

/**
 * Returns the definition behind a value; undefined for any other value.
 *
 * @throws DEFINITION_VERSION when another version of the package made the definition.
 */
export function definitionOf(value: unknown): Definition | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, definitionSymbol))
    return (value as { readonly [definitionSymbol]: Definition })[definitionSymbol];
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (symbol.description?.startsWith("tidemark.definition/") === true) {
      throw new TidemarkError(
        "DEFINITION_VERSION",
        `a definition of format "${symbol.description}" met a @tidemark/core that reads ` +
          '"tidemark.definition/1": install one version of @tidemark/core for both',
      );
    }
  }
  return undefined;
}

/** Returns the definition behind a value if it is of this kind. */
export function definitionOfKind<K extends Definition["kind"]>(
  value: unknown,
  kind: K,
): Extract<Definition, { kind: K }> | undefined {
  const found = definitionOf(value);
  return found?.kind === kind ? (found as Extract<Definition, { kind: K }>) : undefined;
}

/** Describes a value for messages. */
export function described(value: unknown): string {
  const found = definitionOf(value);
  if (found !== undefined) {
    switch (found.kind) {
      case "column type":
        return `a ${found.spec.type} column type`;
      case "column":
        return `column ${found.source}.${found.spec.name}`;
      case "entity":
      case "source":
      case "service":
        return `${found.kind} "${found.spec.name}"`;
      case "view":
        return `feature view "${found.spec.name}"`;
      case "feature":
        return `feature "${found.view.name}.${found.spec.name}"`;
      case "aggregation":
        return `an aggregation (${aggregationTitle(found)})`;
      case "condition":
        return `a condition on ${found.source}`;
      case "committed":
        return "commitTime()";
      case "micros":
        return "micros(n)";
    }
  }
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      return Array.isArray(value)
        ? "an array"
        : value instanceof Date
          ? "a Date"
          : value instanceof Uint8Array
            ? "bytes"
            : "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** Names an aggregation for messages: `sum(transactions.amount)`. */
export function aggregationTitle(state: AggregationState): string {
  const column = state.column === null ? "" : `${state.source}.${state.column.name}`;
  return `${state.aggregate}(${column})`;
}

function freezeDeep<T>(value: T): T {
  if (
    typeof value !== "object" ||
    value === null ||
    ArrayBuffer.isView(value) ||
    Object.isFrozen(value)
  )
    return value;
  for (const member of Object.values(value)) freezeDeep(member);
  return Object.freeze(value);
}
