/** The rows of a view in SQL: what its windows and facts are over, for each question. */
import type { Knowledge } from "@tidemark/core";
import {
  inputOf,
  lookupsOf,
  readingsOfInput,
  rowCondition,
  dimensionsOf,
  historyTables,
  type ViewPlan,
} from "@tidemark/core/internal";
import type { InputNode, LookupNode, ProjectNode, SourceSpec, ViewSpec } from "@tidemark/core/spi";
import { NotInSql } from "./not-in-sql.ts";
import { sqlOf, type ColumnSql } from "./sql-expressions.ts";
import { quotedName, sqlTypeOf } from "./sql-values.ts";

/** The rows of a view, and the names of their columns. */
export interface SqlRows {
  /**
   * Common table expressions. They read the questions `l` and end with `r`: one row for each row of
   * the source that a question may see, with the question's columns and the event time `at`.
   */
  readonly tables: readonly string[];
  readonly columnSql: ColumnSql;
  /** Orders rows. null: the plan reads no columns that order rows of one event time. */
  readonly order: { readonly oldestFirst: string; readonly newestFirst: string } | null;
}

export interface SqlRowsOptions {
  readonly knowledge: Knowledge;
  /** The versions table of a source, as Trino names it. */
  readonly tableOf: (source: SourceSpec) => string;
}

/**
 * Writes the rows of a view's plan.
 *
 * @throws NotInSql when SQL may see other rows.
 */
export function sqlRowsOf({ view, plan }: ViewPlan, options: SqlRowsOptions): SqlRows {
  const rows = plan.input.input;
  const input = inputOf(rows);
  const names = new Map(input.columns.map(({ name }, i) => [name, `c${i}`]));
  const columnSql: ColumnSql = (name) => {
    const found = names.get(name);
    if (found === undefined) throw new TypeError(`the plan has no column ${name}`);
    return found;
  };
  const keys = plan.input.entity.keys.map((_, i) => `v.k${i} = l.k${i}`);
  // a fact holds from its own time on (law 2), an event is known after it (law 1)
  const before = plan.input.node === "latest" ? "<=" : "<";
  const columns = ["l.*", "v.at", ...[...names.values()].map((name) => `v.${name}`)];
  const tables = [
    `v AS (${versionsSql(view, input, options)})`,
    `r0 AS (SELECT ${columns.join(", ")} ` +
      `FROM l JOIN v ON ${[...keys, `v.at ${before} l.t`].join(" AND ")} ` +
      "AND (l.s IS NULL OR v.at >= l.s) " +
      "AND (v.kf IS NULL OR v.kf < l.t) AND (v.kt IS NULL OR l.t <= v.kt))",
  ];
  const dimensions = dimensionsOf(view, plan);
  lookupsOf(rows).forEach((lookup, i) => {
    const added = lookup.columns.map(({ name }, c) => [name, `c${names.size + c}`] as const);
    tables.push(
      `r${i + 1} AS (${lookupSql(`r${i}`, lookup, dimensions[i]!, columnSql, added, options)})`,
    );
    for (const [name, alias] of added) names.set(name, alias);
  });
  const condition = rowCondition(rows);
  const where = condition === null ? "" : ` WHERE ${sqlOf(condition, columnSql)}`;
  tables.push(`r AS (SELECT * FROM r${dimensions.length}${where})`);
  return { tables, columnSql, order: orderOf(input, names) };
}

/** The versions that may count, with entity keys, event time and the columns of the plan. */
function versionsSql(view: ViewSpec, input: InputNode, options: SqlRowsOptions): string {
  return readingsOfInput(view, input)
    .map(({ view: reading, scan, project }) => {
      const { source, keyColumns } = reading;
      const stored = storedColumns(source);
      const columns =
        project === null
          ? scan.columns.map(({ name }) => stored(name))
          : projected(project, stored);
      const dimension = source.eventTime.kind === "committed";
      const corrected = options.knowledge === "as-corrected" && !dimension;
      const time =
        source.eventTime.kind === "committed" ? '"_known_from"' : stored(source.eventTime.column);
      const selected = [
        ...keyColumns.map((name, i) => `${stored(name)} AS k${i}`),
        `${time} AS at`,
        `${corrected ? "CAST(NULL AS bigint)" : '"_known_from"'} AS kf`,
        `${corrected ? "CAST(NULL AS bigint)" : '"_known_to"'} AS kt`,
        ...columns.map((sql, i) => `${sql} AS c${i}`),
      ];
      const conditions = [
        'NOT "_deleted"',
        '"_quarantine" IS NULL',
        ...(corrected ? ['"_known_to" IS NULL'] : []),
        ...(project === null || project.condition === null
          ? []
          : [sqlOf(project.condition, stored)]),
      ];
      return (
        `SELECT ${selected.join(", ")} FROM ${options.tableOf(source)} ` +
        `WHERE ${conditions.join(" AND ")}`
      );
    })
    .join(" UNION ALL ");
}

function projected({ explode, values, columns }: ProjectNode, stored: ColumnSql): string[] {
  if (explode !== undefined) throw new NotInSql("the elements of lists are not rows in SQL");
  return values.map((value, i) => `CAST(${sqlOf(value, stored)} AS ${sqlTypeOf(columns[i]!)})`);
}

/** The names of a source's columns in its versions table. */
function storedColumns(source: SourceSpec): ColumnSql {
  const { declared } = historyTables(source);
  const names = new Map(source.columns.map(({ name }, i) => [name, declared[i]!.name]));
  return (name) => quotedName(names.get(name)!);
}

/** Rows with columns of the dimension's version known from < event time ≤ known to. */
function lookupSql(
  rows: string,
  { on, condition, columns }: LookupNode,
  dimension: SourceSpec,
  columnSql: ColumnSql,
  added: readonly (readonly [name: string, alias: string])[],
  { tableOf }: SqlRowsOptions,
): string {
  const stored = storedColumns(dimension);
  const inDimension: ColumnSql = (name) => `d.${stored(name)}`;
  const keys = on.map(({ key, value }) => {
    const { type, scale } = dimension.columns.find(({ name }) => name === key)!;
    if (value.type !== type || value.scale !== scale)
      throw new NotInSql(`${value.type} is not compared with the key ${key} of type ${type}`);
    return `${inDimension(key)} = ${sqlOf(value, (name) => `${rows}.${columnSql(name)}`)}`;
  });
  const matches = [
    ...keys,
    `d."_known_from" < ${rows}.at`,
    `(d."_known_to" IS NULL OR ${rows}.at <= d."_known_to")`,
    'NOT d."_deleted"',
    'd."_quarantine" IS NULL',
    ...(condition === null ? [] : [sqlOf(condition, inDimension)]),
  ];
  // without a version the columns are null, whatever their function is of nulls
  const selected = columns.map(
    ({ value }, i) =>
      `if(d."_deleted" IS NULL, NULL, ${sqlOf(value, inDimension)}) AS ${added[i]![1]}`,
  );
  return (
    `SELECT ${[`${rows}.*`, ...selected].join(", ")} FROM ${rows} ` +
    `LEFT JOIN ${tableOf(dimension)} d ON ${matches.join(" AND ")}`
  );
}

/** Rows order by event time, the declared created column, then the primary key. */
function orderOf(
  { createdAt, primaryKey }: InputNode,
  names: ReadonlyMap<string, string>,
): SqlRows["order"] {
  const ties = [...(createdAt === null ? [] : [createdAt]), ...primaryKey];
  if (ties.some((name) => !names.has(name))) return null;
  const columns = ["at", ...ties.map((name) => names.get(name)!)];
  return {
    oldestFirst: columns.map((name) => `${name} ASC NULLS FIRST`).join(", "),
    newestFirst: columns.map((name) => `${name} DESC NULLS LAST`).join(", "),
  };
}
