/** Makes definitions: frozen objects without a prototype, which carry their spec under a symbol. */
import type { Described } from "../metadata.ts";
import { TidemarkError } from "../errors.ts";
import type {
  AggregateName,
  AggregateOptions,
  CategorySpec,
  ColumnSpec,
  DerivedViewSpec,
  EntitySpec,
  Expression,
  InputFeature,
  LookupSpec,
  NeededColumn,
  QualitySpec,
  SelectedFeature,
  ReadThrough,
  RowExpectationSpec,
  ServiceSpec,
  SourceSpec,
  TransformSpec,
  TypeSpec,
  UnionPart,
  UsualVolume,
  Value,
  ViewSpec,
  WindowSpec,
} from "../specs.ts";
import { toJson } from "./to-json.ts";

/**
 * A registered symbol, not a local one.
 * The `tidemark` command has its own copy of this package, and must recognize a project's
 * definitions.
 */
const definitionSymbol: unique symbol = Symbol.for("tidemark.definition/1") as never;

/** Names of columns that no user sees begin so. No column that a user declares can. */
export const HIDDEN = "~";

/** A window, and what it adds to the name of a feature. */
export interface NamedWindow {
  /** Empty, or `_7d`. */
  readonly suffix: string;
  /** The window as it was written: `"7d"`. */
  readonly text: string;
  readonly spec: WindowSpec;
}

export interface AggregationState extends Described {
  readonly aggregate: AggregateName;
  readonly options: AggregateOptions;
  /** The two aggregations of a ratio, without windows. Omitted for all others. */
  readonly ratio?: readonly [AggregationState, AggregationState] | undefined;
  /** True for a value of the newest row, which has no window. */
  readonly isFact: boolean;
  /** The form of the values, before a default replaces null. */
  readonly result: TypeSpec;
  /** Name of the source; null until a column or a condition sets it. */
  readonly source: string | null;
  readonly arguments: readonly Expression[];
  /** Omitted if the aggregation has one answer. */
  readonly by?: CategorySpec | undefined;
  readonly where: Expression | null;
  /** Columns that the arguments, the categories and the condition read. */
  readonly columns: readonly ColumnSpec[];
  /** The call as it was written, such as `sum(transactions.amount)`. */
  readonly text: string;
  readonly windows: readonly NamedWindow[];
  readonly default: Value | undefined;
  /** Former names of the feature, without the suffix of a window. */
  readonly renamedFrom: readonly string[];
}

/** An expression of a user, with the columns that it reads. */
export interface ExpressionState {
  /** Name of the source; null for an expression of literals alone. */
  readonly source: string | null;
  readonly columns: readonly ColumnSpec[];
  readonly expression: Expression;
  /** The number of its columns and calls. */
  readonly size: number;
  /** The expression as it was written, such as `mul(payments.quantity, payments.price)`. */
  readonly text: string;
  /**
   * The windows that the expression is a function of; its columns are their names. Omitted for an
   * expression of rows, or of literals alone.
   */
  readonly windows?: readonly WindowTerm[] | undefined;
  /**
   * What the expression reads of a request; its columns are names of these. Omitted for an
   * expression of rows or of windows, or of literals alone.
   */
  readonly inputs?: readonly InputTerm[] | undefined;
  /** True if it reads the time of the answer. Omitted: it does not. */
  readonly clock?: true | undefined;
}

/**
 * A feature of a view, a column of request data, or the outputs of a transform, as an argument of
 * a function.
 */
export type InputTerm =
  | ({ readonly kind: "feature"; readonly name: string } & InputFeature)
  | { readonly kind: "request"; readonly name: string; readonly column: NeededColumn }
  | { readonly kind: "transform"; readonly name: string; readonly transform: TransformSpec };

/** An aggregation over one window, as an argument of a function. */
export interface WindowTerm {
  /** Equal for equal aggregations. */
  readonly name: string;
  readonly state: AggregationState;
}

/** A function of windows as a feature, with its default and its former names. */
export interface FunctionState extends Described {
  readonly of: ExpressionState;
  readonly default: Value | undefined;
  readonly renamedFrom: readonly string[];
}

/** An expectation of a user, not yet about a certain source or view. */
export type ExpectationState =
  | {
      readonly test: "holds";
      readonly condition: ExpressionState;
      readonly share: number;
      readonly onViolation: RowExpectationSpec["onViolation"];
    }
  | { readonly test: "unique"; readonly columns: readonly ExpressionState[] }
  | { readonly test: "fresh"; readonly within: number }
  | {
      readonly test: "volume";
      readonly per: number;
      readonly atLeast: number | null;
      readonly atMost: number | null;
      readonly usual: UsualVolume | undefined;
    };

export type Definition =
  | { readonly kind: "column type"; readonly spec: ColumnSpec }
  | { readonly kind: "parts type"; readonly spec: TypeSpec }
  | { readonly kind: "column"; readonly source: string; readonly spec: ColumnSpec }
  | { readonly kind: "entity"; readonly spec: EntitySpec }
  | { readonly kind: "committed"; readonly since: string | null }
  | { readonly kind: "source"; readonly spec: SourceSpec }
  | {
      readonly kind: "derived source";
      readonly name: string;
      /** The source below. */
      readonly spec: SourceSpec;
      /** The parts of a union, whose columns `spec` has. Omitted: the source below is a table. */
      readonly parts?: readonly UnionPart[] | undefined;
      /** Columns that the rows get from dimensions. */
      readonly lookups: readonly LookupSpec[];
      /** This source and those below it, if they have metadata and no table. */
      readonly through: readonly ReadThrough[];
      /** Which of its rows are there; null: all. */
      readonly rows: Expression | null;
      /** Columns that are computed from those of `spec`, or looked up, by name. */
      readonly computed: ReadonlyMap<string, ExpressionState>;
    }
  | {
      readonly kind: "union part";
      readonly through: readonly ReadThrough[];
      /** The name of the source that the rows come from. */
      readonly name: string;
      readonly spec: SourceSpec;
      /** Which of its rows are there; null: all. */
      readonly rows: Expression | null;
      /** Each column of the union by its name, as a function of columns of the source. */
      readonly columns: ReadonlyMap<string, ExpressionState>;
    }
  | ({ readonly kind: "expression" } & ExpressionState)
  | {
      readonly kind: "when";
      readonly condition: ExpressionState;
      /** An expression or a literal. */
      readonly value: unknown;
    }
  | ({ readonly kind: "aggregation" } & AggregationState)
  | ({ readonly kind: "function" } & FunctionState)
  | { readonly kind: "feature"; readonly selected: SelectedFeature }
  | { readonly kind: "view"; readonly spec: ViewSpec }
  | { readonly kind: "derived view"; readonly spec: DerivedViewSpec }
  | { readonly kind: "request column"; readonly request: string; readonly spec: NeededColumn }
  | {
      readonly kind: "request data";
      readonly name: string;
      readonly columns: readonly NeededColumn[];
    }
  | { readonly kind: "service"; readonly spec: ServiceSpec }
  | { readonly kind: "selection"; readonly features: readonly SelectedFeature[] }
  | { readonly kind: "expectation"; readonly state: ExpectationState }
  | { readonly kind: "quality"; readonly spec: QualitySpec }
  | { readonly kind: "window"; readonly spec: WindowSpec; readonly text: string }
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
      case "quality":
        return `${found.kind} "${found.spec.name}"`;
      case "expectation":
        return `${found.state.test}(...)`;
      case "derived source":
        return `${kindOfSource(found.parts)} source "${found.name}"`;
      case "union part":
        return `from(${found.name}, ...)`;
      case "view":
        return `feature view "${found.spec.name}"`;
      case "feature":
        return `feature "${found.selected.view.name}.${found.selected.feature.name}"`;
      case "derived view":
        return derivedTitle(found.spec);
      case "selection":
        return "a selection";
      case "request column":
        return `request data ${found.request}.${found.spec.name}`;
      case "request data":
        return `request data "${found.name}"`;
      case "aggregation":
        return `an aggregation (${aggregationTitle(found)})`;
      case "function":
        return found.of.windows === undefined
          ? `a function of features (${found.of.text})`
          : `a function of windows (${found.of.text})`;
      case "expression":
        if (found.inputs !== undefined) return `a function of features (${found.text})`;
        if (found.windows !== undefined) return `a function of windows (${found.text})`;
        return (
          (found.expression.type === "boolean" ? "a condition" : "an expression") +
          (found.source === null ? "" : ` on ${found.source}`)
        );
      case "when":
        return "when(...)";
      case "committed":
        return "commitTime()";
      case "window":
        return found.text;
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

/** Names a derived view or a transform for messages. */
export function derivedTitle({ name, transform }: DerivedViewSpec): string {
  return `${transform === undefined ? "derived view" : "transform"} "${name}"`;
}

/** Names an aggregation for messages: `sum(transactions.amount)`. */
export function aggregationTitle(state: AggregationState): string {
  return state.text;
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

function kindOfSource(parts: readonly UnionPart[] | undefined): string {
  if (parts === undefined) return "derived";
  return parts[0]!.explode === undefined ? "union" : "exploded";
}
