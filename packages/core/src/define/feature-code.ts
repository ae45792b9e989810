/** Prints features as TypeScript, which defines them again. */
import { HIDDEN } from "./definition.ts";
import type {
  AggregateSpec,
  CallExpression,
  Expression,
  FeatureSpec,
  SelectedFeature,
  TypeSpec,
  Value,
  WindowSpec,
} from "../specs.ts";
import { literalText } from "../expr/expression-text.ts";
import { isDerived } from "./base-features.ts";
import { durationText } from "./duration.ts";

/** What has no code. */
class NoCode extends Error {}

/**
 * Prints a feature as TypeScript, such as `count().over("7d")`. `nameOf` gives the exported name of
 * a source or a view. null: the feature has no such form. So it is with features of derived and
 * enriched sources, whose columns are stored as what they are computed from.
 */
export function featureCode(
  selected: SelectedFeature,
  nameOf: (definition: string) => string = (name) => name,
): string | null {
  try {
    if (isDerived(selected)) {
      const { view, feature } = selected;
      return view.transform === undefined ? derivedCode(feature.value, nameOf) : null;
    }
    const { view, feature } = selected;
    const isComputed = view.rows !== undefined || view.lookups !== undefined;
    return isComputed ? null : storedCode(feature, nameOf(view.source.name));
  } catch (error) {
    if (error instanceof NoCode) return null;
    throw error;
  }
}

function derivedCode(value: Expression, nameOf: (definition: string) => string): string {
  return expressionCode(value, (name) => {
    const at = name.indexOf(".");
    // a column of request data has no name that the feature knows
    if (at < 0 || name.includes("[")) throw new NoCode(name);
    return memberCode(nameOf(name.slice(0, at)), name.slice(at + 1));
  });
}

function storedCode(feature: FeatureSpec, source: string): string {
  const { function: computed, default: replaced, result } = feature;
  const code =
    computed === undefined ? aggregateCode(feature, source) : functionCode(computed, source);
  return replaced === undefined ? code : `${code}.default(${valueCode(replaced, result)})`;
}

function functionCode(
  { value, aggregates }: NonNullable<FeatureSpec["function"]>,
  source: string,
): string {
  const codes = new Map(aggregates.map((one) => [one.name, aggregateCode(one, source)]));
  return expressionCode(value, (name) => codes.get(name)!);
}

/** The options of aggregations that stand alone, in their order. */
const ARGUMENTS = ["q", "gap", "unit", "over", "k", "n", "length"] as const;
/** The options of aggregations that are members of an object. */
const MEMBERS = ["error", "atMost", "halfLife", "distinct"] as const;
const DURATIONS: ReadonlySet<string> = new Set(["gap", "halfLife"]);

function aggregateCode(
  { aggregate, options = {}, arguments: inputs, by, window, where }: AggregateSpec,
  source: string,
): string {
  const columnCode = (name: string): string => memberCode(source, name);
  const code = (expression: Expression): string => expressionCode(expression, columnCode);
  const optionCode = (name: string): string => {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    return JSON.stringify(DURATIONS.has(name) ? durationText(value as number) : value);
  };
  const isGiven = (name: string): boolean => {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    return value !== undefined && value !== false;
  };
  const members = MEMBERS.filter(isGiven).map((name) => `${name}: ${optionCode(name)}`);
  const terms = [
    ...inputs.map(code),
    ...ARGUMENTS.filter(isGiven).map(optionCode),
    ...(members.length === 0 ? [] : [`{ ${members.join(", ")} }`]),
  ];
  const categories =
    by === undefined
      ? ""
      : by.each === undefined
        ? `.by(${code(by.key)})`
        : `.byEach(${code(by.key)}, ${JSON.stringify(by.each)})`;
  if (by?.default !== undefined) throw new NoCode("a default of categories");
  return (
    `${aggregate}(${terms.join(", ")})` +
    (where === null ? "" : `.where(${code(where)})`) +
    categories +
    (window === null ? "" : `.over(${windowCode(window)})`)
  );
}

function windowCode(window: WindowSpec): string {
  if (typeof window === "number") return lengthCode(window);
  const calendar = (unit: string, zone: string): string =>
    `${JSON.stringify(unit)}, ${JSON.stringify(zone)}`;
  switch (window.kind) {
    case "delayed":
      return `window(${lengthCode(window.length)}, { delay: ${lengthCode(window.delay)} })`;
    case "lifetime":
      return "lifetime()";
    case "lastRows": {
      const within = window.within === null ? "" : `, { within: ${lengthCode(window.within)} }`;
      return `lastRows(${window.count}${within})`;
    }
    case "series":
      return `series(${lengthCode(window.length)}, ${window.count})`;
    case "current":
      return `current(${calendar(window.unit, window.zone)})`;
    case "previous": {
      const counted = window.count === 1 ? "" : `, { count: ${window.count} }`;
      return `previous(${calendar(window.unit, window.zone)}${counted})`;
    }
    case "calendarSeries":
      return `calendarSeries(${calendar(window.unit, window.zone)}, ${window.count})`;
  }
}

function lengthCode(micros: number): string {
  return JSON.stringify(durationText(micros));
}

function memberCode(object: string, name: string): string {
  if (name.startsWith(HIDDEN)) throw new NoCode(name);
  return `${object}.${name}`;
}

function expressionCode(expression: Expression, columnCode: (name: string) => string): string {
  if (expression.op === "column") return columnCode(expression.name);
  if (expression.op === "literal") return valueCode(expression.value, expression);
  return callCode(expression, (one) => expressionCode(one, columnCode));
}

function callCode(call: CallExpression, code: (expression: Expression) => string): string {
  const { function: name, options = {} } = call;
  const terms = call.arguments.map(code);
  switch (name) {
    case "inList":
      return `inList(${terms[0]}, [${terms.slice(1).join(", ")}])`;
    case "struct": {
      const names = String(options["names"]).split(",");
      return `{ ${terms.map((term, i) => `${propertyCode(names[i]!)}: ${term}`).join(", ")} }`;
    }
    case "cast":
      return `cast(${terms[0]}, ${typeCode(call)})`;
    case "jsonPath":
      return `jsonPath(${terms[0]}, ${JSON.stringify(options["path"])}, ${typeCode(call)})`;
    case "elapsed":
      return `elapsed(${[JSON.stringify(options["unit"]), ...terms].join(", ")})`;
    case "caseWhen": {
      const branches: string[] = [];
      for (let i = 0; i + 1 < terms.length; i += 2)
        branches.push(`when(${terms[i]}, ${terms[i + 1]})`);
      const otherwise = terms.length % 2 === 0 ? "" : `, ${terms.at(-1)}`;
      return `caseWhen([${branches.join(", ")}]${otherwise})`;
    }
    case "binOf":
      throw new NoCode(name);
    default: {
      const given = Object.values(options).map((one) => JSON.stringify(one));
      return `${name}(${[...terms, ...given].join(", ")})`;
    }
  }
}

function propertyCode(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** A type as a definition writes it. */
function typeCode(spec: TypeSpec): string {
  switch (spec.type) {
    case "decimal":
      return `decimal({ precision: ${spec.precision}, scale: ${spec.scale} })`;
    case "int64":
      return spec.mode === "number" ? 'int64({ mode: "number" })' : "int64()";
    case "list":
      return `list(${typeCode(spec.element!)})`;
    case "timestamp":
    case "map":
    case "struct":
      throw new NoCode(spec.type);
    default:
      return `${spec.type}()`;
  }
}

/** A value beside an expression of its type. */
function valueCode(value: Value, type: TypeSpec): string {
  if (value === null) throw new NoCode("null");
  switch (type.type) {
    case "int64":
      return type.mode === "number" ? String(value) : `${String(value)}n`;
    case "boolean":
    case "int32":
    case "float64":
      return literalText(value, type);
    case "string":
    case "json":
      return literalText(value, type);
    case "decimal":
    case "timestamp":
    case "date":
      return JSON.stringify(literalText(value, type));
    default:
      throw new NoCode(type.type);
  }
}
