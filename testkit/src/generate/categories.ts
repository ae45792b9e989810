/** Generates categories of aggregations. */
import type {
  CategorySpec,
  ColumnSpec,
  FeatureSpec,
  LiteralExpression,
  TypeSpec,
  Value,
} from "../../../packages/core/src/specs.ts";
import type { GeneratedTable } from "./definitions.ts";
import { columnNode, literalNode } from "./expressions.ts";
import type { Random } from "./random.ts";

const CATEGORY_TYPES = ["string", "boolean", "int32", "int64", "decimal", "date", "timestamp"];

/** Says whether the values of a key of this type are categories, also as members of a struct. */
export function isCategoryKey(key: TypeSpec, each: readonly string[] | undefined): boolean {
  return each === undefined ? CATEGORY_TYPES.includes(key.type) : key.type === "string";
}

/** The feature by category, for a key of the table. Its default replaces null in each category. */
export function withCategories(
  random: Random,
  { source, pools }: GeneratedTable,
  feature: FeatureSpec,
): FeatureSpec {
  const keys = source.columns.flatMap((column, i) =>
    (/_\d$/.test(column.name) || column.name === "counter") && isCategoryKey(column, undefined)
      ? [{ column, pool: pools[i]! }]
      : [],
  );
  const { column, pool } = random.pick(keys);
  const each = column.type === "string" && random.chance(0.6) ? members(random, pool) : undefined;
  const { default: replaced, result } = feature;
  const by: CategorySpec = {
    key: columnNode(column),
    ...(each === undefined ? {} : { each }),
    ...(replaced === undefined
      ? {}
      : { default: literalNode(replaced, result) as LiteralExpression }),
  };
  return { ...feature, by, default: undefined, result: resultByCategory(result, by) };
}

/** Some values of the pool, and one that no row has. */
function members(random: Random, pool: readonly Value[]): readonly string[] {
  const texts = new Map(
    pool.flatMap((value) =>
      typeof value === "string" && /^[\p{L}\p{N}_-]+$/u.test(value)
        ? [[value.toLowerCase(), value]]
        : [],
    ),
  );
  const some = random.sample([...texts.values()], Math.min(texts.size, random.between(0, 2)));
  return random.shuffled([...some, "in_no_row"]);
}

/** The column of a feature by category. `result` is that of the feature without categories. */
export function resultByCategory(result: ColumnSpec, by: CategorySpec): ColumnSpec {
  const { name, database, ...type } = result;
  const values = { ...type, nullable: type.nullable && by.default === undefined };
  return by.each === undefined
    ? { name, database, type: "map", nullable: false, keys: typeOfKey(by.key), values }
    : {
        name,
        database,
        type: "struct",
        nullable: false,
        fields: by.each.map((member) => ({ ...values, name: member })),
      };
}

function typeOfKey({ type, precision, scale, zone, mode }: TypeSpec): TypeSpec {
  return {
    type,
    nullable: false,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
    ...(mode === undefined ? {} : { mode }),
  };
}
