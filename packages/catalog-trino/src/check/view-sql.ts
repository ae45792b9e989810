/** The answers of one view by SQL: its statements for some questions, and how they are read. */
import { isTidemarkError } from "@tidemark/core";
import {
  aggregatorNamed,
  boundExpression,
  columnsOfExpression,
  dimensionsOf,
  inputOf,
  readingsOfInput,
  typeOf,
  type ViewPlan,
} from "@tidemark/core/internal";
import type {
  AggregateColumn,
  FactColumn,
  LatestNode,
  SourceSpec,
  Value,
  WindowNode,
} from "@tidemark/core/spi";
import { NotInSql } from "./not-in-sql.ts";
import type { SqlAggregate, SqlGroup } from "./sql-aggregate.ts";
import { MOST_CATEGORIES, sqlAggregates } from "./sql-aggregates.ts";
import { sqlOf } from "./sql-expressions.ts";
import { sqlRowsOf, type SqlRows, type SqlRowsOptions } from "./sql-rows.ts";
import { sqlTypeOf, sqlValuesOf } from "./sql-values.ts";
import { SqlWindows, startOfWindow } from "./sql-windows.ts";

/** An entity at a time. The keys are in the entity's order. */
export interface Question {
  readonly keys: readonly Value[];
  /** µs. */
  readonly t: number;
}

/** Runs a statement and returns its rows. */
export type RunSql = (sql: string) => Promise<readonly (readonly unknown[])[]>;

/** A view whose answers SQL can give, in whole or in part. */
export interface ViewSql {
  /** The sources whose versions it reads; none if SQL answers nothing. */
  readonly sources: readonly SourceSpec[];
  /** For each column of the plan: why SQL does not answer it. null: it does. */
  readonly reasons: readonly (string | null)[];
  /**
   * Keys and event times of rows that the view reads, chosen by the hash of time and seed. None if
   * SQL answers nothing.
   */
  ownRows(most: number, seed: number, run: RunSql): Promise<readonly Question[]>;
  /** The values of each column for each question; null: SQL does not answer the column. */
  answer(
    questions: readonly Question[],
    run: RunSql,
  ): Promise<readonly (readonly Value[] | null)[]>;
}

/** An aggregation or a fact, and how its rows are chosen and grouped. */
interface Selected {
  readonly name: string;
  /** What is selected from. */
  readonly from: string;
  readonly conditions: readonly string[];
  readonly aggregate: SqlAggregate;
}

/** So many aggregations are in one statement. */
const MOST_SELECTED = 12;
/** So long are the questions of a statement, in characters. Trino takes a million. */
const MOST_TEXT = 400_000;

/** Writes the SQL of a view's plan. */
export function viewSqlOf(viewPlan: ViewPlan, options: SqlRowsOptions): ViewSql {
  const { plan } = viewPlan;
  const { input, columns } = plan;
  const windows = new SqlWindows();
  const selected = new Map<string, Selected>();
  const reasons = new Map<string, string>();
  let rows: SqlRows | null = null;
  const nodes = input.node === "window" ? input.aggregates : input.facts;
  for (const node of nodes)
    try {
      rows ??= sqlRowsOf(viewPlan, options);
      selected.set(
        node.name,
        input.node === "window"
          ? selectedAggregate(node as AggregateColumn, rows, windows)
          : selectedFact(node as FactColumn, input, rows),
      );
    } catch (error) {
      if (!(error instanceof NotInSql)) throw error;
      reasons.set(node.name, error.message);
    }
  const columnReasons = columns.map(({ value }) => {
    const why = columnsOfExpression(value).flatMap((name) => reasons.get(name) ?? []);
    return why[0] ?? null;
  });
  const start = startOf(input);

  return {
    sources: selected.size === 0 ? [] : sourcesOfPlan(viewPlan),
    reasons: columnReasons,
    async ownRows(most, seed, run) {
      if (rows === null) return [];
      const types = viewPlan.view.entity.keys;
      const keys = types.map((type, i) => sqlValuesOf(type).wire(`k${i}`));
      const present = ["at", ...types.map((_, i) => `k${i}`)].map((name) => `${name} IS NOT NULL`);
      const found = await run(
        `WITH ${rows.tables[0]!} SELECT DISTINCT ${["at", ...keys].join(", ")}, ` +
          `xxhash64(to_utf8(CAST(at AS varchar) || ':${seed}')) AS h FROM v ` +
          `WHERE ${present.join(" AND ")} ORDER BY h, ${keys.map((_, i) => i + 2).join(", ")} ` +
          `LIMIT ${most}`,
      );
      return found.map(([at, ...cells]) => ({
        t: Number(at),
        keys: types.map((type, i) => sqlValuesOf(type).read(cells[i], type)),
      }));
    },
    async answer(questions, run) {
      const read = new Map<string, readonly Value[]>();
      for (const batch of statements([...selected.values()]))
        for (const [name, values] of await runStatement(batch, questions, run))
          read.set(name, values);
      return columns.map(({ value, default: replaced }, i) => {
        if (columnReasons[i] !== null) return null;
        let question = 0;
        const reader = boundExpression(
          value,
          (name) => () => read.get(name)![question]!,
          { count: 0 },
          () => questions[question]!.t,
        );
        return questions.map((_, n) => {
          question = n;
          return reader(n) ?? replaced ?? null;
        });
      });
    },
  };

  /** Runs one statement for all questions. Its aggregations have one FROM and equal groups. */
  async function runStatement(
    batch: readonly Selected[],
    questions: readonly Question[],
    run: RunSql,
  ): Promise<Map<string, readonly Value[]>> {
    const { from, aggregate } = batch[0]!;
    const { groups } = aggregate;
    const columnsSql = batch.flatMap((one) => {
      const filter = (more?: string): string => {
        const all = [...one.conditions, ...(more === undefined ? [] : [more])];
        return all.length === 0 ? "" : `FILTER (WHERE ${all.join(" AND ")})`;
      };
      return [
        `count(*) ${filter()}`,
        ...one.aggregate.columns.map(({ sql, where }) => sql(filter(where))),
      ];
    });
    const by = ["n", ...groups].map((_, i) => i + 1).join(", ");
    const select =
      `SELECT ${["n", ...groups, ...columnsSql].join(", ")} ` + `FROM ${from} GROUP BY ${by}`;
    const found = questions.map((): SqlGroup[][] => batch.map(() => []));
    for (const row of await ask(select, questions, run, 0, questions.length)) {
      const [n, ...cells] = row;
      const keys = cells.slice(0, groups.length);
      let at = groups.length;
      batch.forEach((one, i) => {
        const count = Number(cells[at]);
        const end = at + 1 + one.aggregate.columns.length;
        if (count > 0)
          found[Number(n)]![i]!.push({ keys, rows: count, cells: cells.slice(at + 1, end) });
        at = end;
      });
    }
    return new Map(
      batch.map((one, i) => [
        one.name,
        questions.map(({ t }, n) => one.aggregate.read(found[n]![i]!, t)),
      ]),
    );
  }

  /** Asks about questions [from, to), by halves if they are too many for Trino. */
  async function ask(
    select: string,
    questions: readonly Question[],
    run: RunSql,
    from: number,
    to: number,
  ): ReturnType<RunSql> {
    if (from === to) return [];
    const middle = (from + to) >>> 1;
    const byHalves = async (): ReturnType<RunSql> => [
      ...(await ask(select, questions, run, from, middle)),
      ...(await ask(select, questions, run, middle, to)),
    ];
    const text = questions
      .slice(from, to)
      .map((question, i) => questionSql(from + i, question))
      .join(", ");
    if (text.length > MOST_TEXT && to - from > 1) return byHalves();
    const names = ["n", "t", ...input.entity.keys.map((_, i) => `k${i}`), ...timeNames()];
    const tables = [`l (${names.join(", ")}) AS (VALUES ${text})`, ...rows!.tables];
    try {
      return await run(`WITH ${tables.join(", ")} ${select}`);
    } catch (error) {
      if (to - from === 1 || !needsMoreMemory(error)) throw error;
      return byHalves();
    }
  }

  function timeNames(): readonly string[] {
    return ["s", ...windows.times.map(({ name }) => name)];
  }

  /** A question as a row of VALUES. */
  function questionSql(n: number, { t, keys }: Question): string {
    const types = viewPlan.view.entity.keys;
    const values = [
      String(n),
      timeLiteral(t),
      ...keys.map((key, i) =>
        key === null
          ? `CAST(NULL AS ${sqlTypeOf(types[i]!)})`
          : sqlValuesOf(types[i]!).literal(key, types[i]!),
      ),
      ...[start, ...windows.times.map(({ at }) => at)].map((at) => timeLiteral(at(t))),
    ];
    return `(${values.join(", ")})`;
  }
}

/** Whether a statement would run with fewer questions. */
function needsMoreMemory(error: unknown): boolean {
  return (
    isTidemarkError(error, "TRINO_QUERY_FAILED") &&
    /\(EXCEEDED_\w*MEMORY_LIMIT, in/.test(error.message)
  );
}

/** An aggregation of a window, with the elements of a series and categories. */
function selectedAggregate(
  { name, aggregate, options = {}, arguments: given, by, where, window }: AggregateColumn,
  { columnSql, order }: SqlRows,
  windows: SqlWindows,
): Selected {
  const write = sqlAggregates[aggregate];
  if (write === undefined || aggregatorNamed(aggregate).sql === undefined)
    throw new NotInSql(`${aggregate} is not computed in SQL`);
  const none = "the order of rows is not read";
  let inner = write({
    arguments: given.map((one) => ({ sql: sqlOf(one, columnSql), spec: one })),
    options,
    order: order ?? { oldestFirst: none, newestFirst: none },
    time: "at",
  });
  const { holds, series, newest } = windows.windowOf(window);
  let conditions = [
    ...(holds === null ? [] : [holds]),
    ...(where === null ? [] : [sqlOf(where, columnSql)]),
  ];
  const partition = ["n"];
  if (by !== undefined) {
    const key = sqlOf(by.key, columnSql);
    partition.push(key);
    const listed = by.each?.map((one) => sqlValuesOf(by.key).literal(one, by.key));
    conditions.push(
      listed === undefined ? `${key} IS NOT NULL` : `${key} IN (${listed.join(", ")})`,
    );
    inner = byCategory(inner, by, key);
  }
  if (series !== null) inner = elements(inner, series);
  let from = "r";
  if (newest !== null) {
    const passing = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
    from =
      `(SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY ${partition.join(", ")} ` +
      `ORDER BY ${order!.newestFirst}) AS place FROM r${passing}) WHERE place <= ${newest})`;
    conditions = [];
  }
  return { name, from, conditions, aggregate: inner };
}

/** Answers for each category: a struct of those that are listed, or a map of all. */
function byCategory(
  inner: SqlAggregate,
  { key, each, default: replaced }: NonNullable<AggregateColumn["by"]>,
  keySql: string,
): SqlAggregate {
  const values = sqlValuesOf(key);
  const { compare } = typeOf(key);
  return {
    ...inner,
    groups: [values.wire(keySql), ...inner.groups],
    read(groups, t) {
      const answer = (own: readonly SqlGroup[]): Value =>
        inner.read(own, t) ?? replaced?.value ?? null;
      const categories = byFirstKey(groups);
      if (each !== undefined) return each.map((one) => answer(categories.get(one) ?? []));
      const rowsOf = (own: readonly SqlGroup[]): number =>
        own.reduce((sum, { rows }) => sum + rows, 0);
      const sorted = [...categories]
        .map(([json, own]) => ({ key: values.read(json, key), own, rows: rowsOf(own) }))
        .sort((a, b) => compare(a.key as never, b.key as never));
      const most = new Set(sorted.toSorted((a, b) => b.rows - a.rows).slice(0, MOST_CATEGORIES));
      return sorted.filter((one) => most.has(one)).map((one) => [one.key, answer(one.own)]);
    },
  };
}

/** Answers for each window of a series, the oldest first. */
function elements(
  inner: SqlAggregate,
  { element, count }: { readonly element: string; readonly count: number },
): SqlAggregate {
  return {
    ...inner,
    groups: [element, ...inner.groups],
    read(groups, t) {
      const own = byFirstKey(groups);
      return Array.from({ length: count }, (_, i) => inner.read(own.get(i) ?? [], t));
    },
  };
}

/** Splits groups by their first key, which is taken away. */
function byFirstKey(groups: readonly SqlGroup[]): ReadonlyMap<unknown, readonly SqlGroup[]> {
  const split = new Map<unknown, SqlGroup[]>();
  for (const { keys, ...rest } of groups) {
    const [first, ...others] = keys;
    const known = split.get(first);
    if (known === undefined) split.set(first, [{ ...rest, keys: others }]);
    else known.push({ ...rest, keys: others });
  }
  return split;
}

/** The value of the newest row that passes. It is missing once the row is older than the ttl. */
function selectedFact(
  { name, value, where }: FactColumn,
  { ttl }: LatestNode,
  { columnSql, order }: SqlRows,
): Selected {
  const values = sqlValuesOf(value);
  const row = `ROW(at, ${values.wire(sqlOf(value, columnSql))})`;
  return {
    name,
    from: "r",
    conditions: where === null ? [] : [sqlOf(where, columnSql)],
    aggregate: {
      groups: [],
      columns: [
        { sql: (f) => `element_at(array_agg(${row} ORDER BY ${order!.newestFirst}) ${f}, 1)` },
      ],
      read([only], t) {
        if (only === undefined) return null;
        const [at, json] = only.cells[0] as readonly unknown[];
        if (json === null || (ttl !== null && Number(at) < t - ttl)) return null;
        return values.read(json, value);
      },
    },
  };
}

/** Puts aggregations with one FROM and equal groups together. */
function statements(all: readonly Selected[]): readonly (readonly Selected[])[] {
  const together = new Map<string, Selected[]>();
  for (const one of all) {
    const text = JSON.stringify([one.from, one.aggregate.groups]);
    const known = together.get(text);
    if (known === undefined) together.set(text, [one]);
    else known.push(one);
  }
  return [...together.values()].flatMap((list) =>
    Array.from({ length: Math.ceil(list.length / MOST_SELECTED) }, (_, i) =>
      list.slice(i * MOST_SELECTED, (i + 1) * MOST_SELECTED),
    ),
  );
}

/** The sources of the view's rows, and the dimensions that it looks up. */
function sourcesOfPlan({ view, plan }: ViewPlan): readonly SourceSpec[] {
  return [
    ...readingsOfInput(view, inputOf(plan.input.input)).map((reading) => reading.view.source),
    ...dimensionsOf(view, plan),
  ];
}

/** From when on rows can count. A fact's newest row may be of any time. */
function startOf(input: WindowNode | LatestNode): (t: number) => number {
  if (input.node === "latest") return () => -Infinity;
  const starts = input.foundIn.map(startOfWindow);
  return (t) => Math.min(...starts.map((start) => start(t)));
}

function timeLiteral(time: number): string {
  return Number.isFinite(time) ? `BIGINT '${time}'` : "CAST(NULL AS bigint)";
}
