/** Lets sources expect something of their rows, so that some rows are in quarantine. */
import type {
  Expression,
  RowExpectationSpec,
  SourceSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { GeneratedDefinitions, GeneratedTable } from "./definitions.ts";
import { comparedColumn, comparisons, conditionNode, randomNumber } from "./expressions.ts";
import type { Random } from "./random.ts";

/** Gives most tables expectations. Their views read the same rows of the same sources. */
export function withRowExpectations(
  random: Random,
  definitions: GeneratedDefinitions,
): GeneratedDefinitions {
  const tables = definitions.tables.map((table): GeneratedTable => ({
    ...table,
    source: expecting(random, table),
  }));
  const sources = new Map(tables.map(({ source }) => [source.name, source]));
  const views = definitions.views.map((view) => over(sources, view));
  return {
    ...definitions,
    tables,
    views,
    selected: definitions.selected.map((one) => ({
      ...one,
      view: views[definitions.views.indexOf(one.view)]!,
    })),
  };
}

function over(sources: ReadonlyMap<string, SourceSpec>, view: ViewSpec): ViewSpec {
  const of = (source: SourceSpec): SourceSpec => sources.get(source.name) ?? source;
  return view.parts === undefined
    ? { ...view, source: of(view.source) }
    : { ...view, parts: view.parts.map((part) => ({ ...part, source: of(part.source) })) };
}

/** The source with one or two expectations, or none. A flag changes no answer. */
function expecting(random: Random, table: GeneratedTable): SourceSpec {
  const { source } = table;
  const expectations: RowExpectationSpec[] = [];
  for (const name of ["first", "second"]) {
    const condition = random.chance(0.65) ? conditionOver(random, table) : null;
    if (condition === null) continue;
    const onViolation = random.pick(["quarantine", "quarantine", "quarantine", "flag"] as const);
    expectations.push({ name, condition, onViolation });
  }
  return expectations.length === 0 ? source : { ...source, expectations };
}

/** A condition that a part of the rows violates, of columns that may change and may be left out. */
function conditionOver(random: Random, table: GeneratedTable): Expression | null {
  const { source, pools, toast } = table;
  const values = source.columns.filter(
    ({ name, type }) => /_\d$/.test(name) && !name.startsWith("account_") && type !== "json",
  );
  if (random.chance(0.35)) {
    const [left, right] = [randomNumber(random, values, 1), randomNumber(random, values, 1)];
    if (left !== undefined && right !== undefined)
      return conditionNode(random.pick(comparisons), left, right);
  }
  const leftOut = values.filter((column) => toast.includes(source.columns.indexOf(column)));
  const column = random.pick(leftOut.length > 0 && random.chance(0.5) ? leftOut : values);
  const pool = pools[source.columns.indexOf(column)]!.filter((value) => value !== null);
  if (pool.length === 0) return null;
  return comparedColumn(random.pick(["ne", "ne", "lte", "gt"]), column, random.pick(pool));
}
