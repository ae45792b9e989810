/** Specs as the TypeScript that a user would have written for them. */
import type { Value } from "@tidemark/core";
import { formatDate, type ColumnSpec } from "@tidemark/core/spi";
import { lengthOf, type Scenario } from "@tidemark/testkit";

type View = Scenario["views"][number];
type Source = Scenario["sources"][number];
type Feature = View["features"][number];
type Expression = NonNullable<Feature["where"]>;
type TypeSpec = Omit<ColumnSpec, "name" | "database">;

/**
 * A module that exports every definition of the scenario, and the service `all` with all its
 * features.
 */
export function printDefinitions({
  entities,
  sources,
  views,
}: Pick<Scenario, "entities" | "sources" | "views">): string {
  return [
    "import {\n  add, and, avg, boolean, bytes, caseWhen, clamp, coalesce, div, greatest, " +
      "least, mod, mul, nullIf, sub, when, commitTime, count, countDistinct, date, decimal, " +
      "entity, eq, featureService, featureView, float64, gt, gte, inList, int32, int64, " +
      "isNotNull, isNull, json, latest, lt, lte, max, micros, min,",
    '  ne, not, or, source, string, sum, timestamp,\n} from "@tidemark/core";\n',
    ...entities.map(
      ({ name, keys }) =>
        `export const ${name} = entity("${name}", { keys: { ` +
        `${keys.map((key) => `${key.name}: ${columnType(key)}`).join(", ")} } });\n`,
    ),
    ...sources.map(printSource),
    ...views.map(printView),
    `export const everything = featureService("all", [${views.map(viewName).join(", ")}]);\n`,
  ].join("\n");
}

function viewName({ name }: View): string {
  return `${name}View`;
}

function printSource(source: Source): string {
  const { eventTime } = source;
  const time =
    eventTime.kind === "column"
      ? JSON.stringify(eventTime.column)
      : eventTime.since === null
        ? "commitTime()"
        : `commitTime({ since: ${JSON.stringify(eventTime.since)} })`;
  return [
    `export const ${source.name} = source("${source.name}", {`,
    `  table: ${JSON.stringify(source.table)},`,
    "  columns: {",
    ...source.columns.map((column) => `    ${column.name}: ${columnType(column)},`),
    "  },",
    `  primaryKey: ${JSON.stringify(source.primaryKey)},`,
    `  eventTime: ${time},`,
    ...(source.createdAt === null ? [] : [`  createdAt: ${JSON.stringify(source.createdAt)},`]),
    "});\n",
  ].join("\n");
}

function columnType({
  type,
  name,
  database,
  nullable,
  precision,
  scale,
  zone,
  mode,
}: ColumnSpec): string {
  const options = Object.entries({ precision, scale, zone, mode }).flatMap(([option, value]) =>
    value === undefined ? [] : [`${option}: ${JSON.stringify(value)}`],
  );
  const given = [
    ...(database === name ? [] : [JSON.stringify(database)]),
    ...(options.length === 0 ? [] : [`{ ${options.join(", ")} }`]),
  ];
  return `${type}(${given.join(", ")})${nullable ? ".nullable()" : ""}`;
}

function printView(view: View): string {
  const keys = view.entity.keys.map(
    (key, k) => `${key.name}: ${view.source.name}.${view.keyColumns[k]}`,
  );
  return [
    `export const ${viewName(view)} = featureView("${view.name}", {`,
    `  entity: ${view.entity.name},`,
    `  source: ${view.source.name},`,
    `  keys: { ${keys.join(", ")} },`,
    ...(view.ttl === null ? [] : [`  ttl: "${duration(view.ttl)}",`]),
    "  features: {",
    ...view.features.map(
      (feature) => `    ${feature.name}: ${printFeature(feature, view.source)},`,
    ),
    "  },",
    "});\n",
  ].join("\n");
}

function printFeature(
  { aggregate, arguments: inputs, where, window, default: instead, result }: Feature,
  source: Source,
): string {
  return (
    `${aggregate}(${inputs.map((one) => printExpression(one, source)).join(", ")})` +
    (where === null ? "" : `.where(${printExpression(where, source)})`) +
    (instead === undefined ? "" : `.default(${literal(instead, result)})`) +
    (window === null ? "" : `.over("${duration(lengthOf(window))}")`)
  );
}

function printExpression(where: Expression, source: Source): string {
  if (where.op === "column") return `${source.name}.${where.name}`;
  if (where.op === "literal") return literal(where.value, where);
  const [first, ...others] = where.arguments.map((term) => printExpression(term, source));
  switch (where.function) {
    case "inList":
      return `inList(${first}, [${others.join(", ")}])`;
    case "caseWhen": {
      const all = [first, ...others];
      const whens = all.flatMap((one, i) => (i % 2 === 1 ? [`when(${all[i - 1]}, ${one})`] : []));
      return `caseWhen([${whens.join(", ")}]${all.length % 2 === 1 ? `, ${all.at(-1)}` : ""})`;
    }
    default:
      return `${where.function}(${[first, ...others].join(", ")})`;
  }
}

function literal(value: Value, { type, mode, scale }: TypeSpec): string {
  switch (type) {
    case "int64":
      return mode === "number" ? String(value) : `${String(value)}n`;
    case "decimal":
      return JSON.stringify(decimalText(value as bigint, scale!));
    case "timestamp":
      return mode === "micros" ? `${String(value)}n` : `micros(${String(value)})`;
    case "date":
      return JSON.stringify(formatDate(value as number));
    case "bytes":
      return `new Uint8Array([${[...(value as Uint8Array)].join(", ")}])`;
    case "float64":
      return Object.is(value, -0) ? "-0" : String(value);
    default:
      return JSON.stringify(value);
  }
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : `.${digits.slice(-scale)}`;
  return `${unscaled < 0n ? "-" : ""}${whole}${fraction}`;
}

const UNITS = [
  ["w", 604_800e6],
  ["d", 86_400e6],
  ["h", 3_600e6],
  ["m", 60e6],
  ["s", 1e6],
] as const;

function duration(length: number): string {
  const [unit, micros] = UNITS.find(([, size]) => length % size === 0)!;
  return `${length / micros}${unit}`;
}
