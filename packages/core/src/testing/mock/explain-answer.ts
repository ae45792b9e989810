/** Lists the rows behind an answer of a mock store. */
import { isDerived } from "../../define/base-features.ts";
import { HIDDEN } from "../../define/definition.ts";
import { toUser } from "../../define/user-values.ts";
import { TidemarkError } from "../../errors.ts";
import { expressionText, literalText } from "../../expr/expression-text.ts";
import { viewPlans } from "../../plan/compile.ts";
import { aggregationText, whereText } from "../../plan/explain.ts";
import type { FactColumn } from "../../plan/nodes.ts";
import { rowCondition } from "../../plan/plan-kinds.ts";
import type { SelectedBaseFeature, SourceSpec } from "../../specs.ts";
import type { ResultColumns } from "../../spi.ts";
import { formatTime } from "../../time/parse-time.ts";
import { edgesOf } from "../../window/window-edges.ts";
import type { KnownRow } from "./known-rows.ts";
import { viewRows } from "./view-rows.ts";
import type { MockRowChange } from "./mock-log.ts";
import type { MockAsked } from "./mock-paths.ts";
import type { ExplainedPart, MockExplanation, MockRowValues } from "./mock-types.ts";
import { newestOf } from "./naive-answers.ts";
import { passing } from "./row-values.ts";

/**
 * Explains the answer to a question about one feature.
 *
 * @throws SELECTION_INVALID when it is about several features, or about a derived one.
 */
export function explainAnswer(
  asked: MockAsked,
  answers: readonly ResultColumns[],
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): MockExplanation {
  const [one] = asked.selection;
  if (asked.selection.length !== 1 || one === undefined || isDerived(one))
    throw new TidemarkError(
      "SELECTION_INVALID",
      "explain: it lists the rows of one feature of a feature view; give that feature, such as " +
        "complaints.tickets_30d; a derived feature has no rows, so ask for those that it reads",
    );
  const { t } = asked;
  const { plan, view } = viewPlans([one as SelectedBaseFeature])[0]!;
  const { source, rows } = viewRows(view, asked, changesOf);
  const { input } = plan;
  const condition = rowCondition(input.input);
  const parts =
    input.node === "window"
      ? input.aggregates.map((aggregate) => {
          const { start, end } = edgesOf(aggregate.window);
          return explained(source, rows, {
            of: aggregationText(aggregate),
            from: start(t),
            to: end(t),
            isIn: ({ time }) => start(t) <= time && time < end(t),
            filters: [
              ["is not in the derived source", condition],
              ["does not meet where", aggregate.where],
            ],
            chosen: (inside) =>
              aggregate.by === undefined ? newestOf(aggregate.window, inside) : inside,
            notChosen: "older than the newest rows",
          });
        })
      : input.facts.map((fact) =>
          explained(source, rows, {
            of: factText(fact),
            from: input.ttl === null ? -Infinity : t - input.ttl,
            to: t,
            isIn: ({ time }) => (input.ttl === null || t - input.ttl <= time) && time <= t,
            filters: [
              ["is not in the derived source", condition],
              ["does not meet where", fact.where],
            ],
            chosen: (inside) => inside.slice(-1),
            notChosen: "older than the newest row",
          }),
        );
  const value = answers[0]!.values[0]!;
  const { result, name } = one.feature;
  return {
    feature: `${view.name}.${name}`,
    asOf: formatTime(t),
    value: toUser(value, result),
    parts,
    toString: () =>
      [
        `${view.name}.${name} = ${literalText(value, result)} as of ${formatTime(t)}`,
        ...parts.flatMap(partLines).map((line) => `  ${line}`),
      ].join("\n"),
  };
}

/** What decides which rows count. */
interface PartRules {
  readonly of: string;
  readonly from: number;
  readonly to: number;
  readonly isIn: (row: KnownRow) => boolean;
  readonly filters: readonly (readonly [because: string, Parameters<typeof passing>[1]])[];
  readonly chosen: (inside: readonly KnownRow[]) => readonly KnownRow[];
  readonly notChosen: string;
}

function explained(
  source: SourceSpec,
  rows: readonly KnownRow[],
  { of, from, to, isIn, filters, chosen, notChosen }: PartRules,
): ExplainedPart {
  const because = new Map<KnownRow, string>();
  const within = rows.filter(isIn);
  for (const row of within)
    if (row.removed !== null) because.set(row, `removed at ${formatTime(row.removed)}`);
  let inside: readonly KnownRow[] = within.filter(({ removed }) => removed === null);
  for (const [reason, condition] of filters) {
    const passed = passing(source, condition, inside);
    for (const row of inside) if (!passed.includes(row)) because.set(row, reason);
    inside = passed;
  }
  const kept = chosen(inside);
  for (const row of inside) if (!kept.includes(row)) because.set(row, notChosen);
  const there = rows.filter(({ removed }) => removed === null);
  const before = there.findLast((row) => row.time < from);
  const after = there.find((row) => !isIn(row) && row.time >= to);
  if (before !== undefined) because.set(before, "before the window");
  if (after !== undefined) because.set(after, "after the window");
  return {
    of,
    from: Number.isFinite(from) ? formatTime(from) : null,
    to: formatTime(to),
    inside: kept.map((row) => userRow(source, row)),
    outside: rows.flatMap((row) =>
      because.has(row) ? [{ row: userRow(source, row), because: because.get(row)! }] : [],
    ),
  };
}

function userRow({ columns }: SourceSpec, { values }: KnownRow): MockRowValues {
  return Object.fromEntries(
    columns.flatMap((column, c) =>
      column.name.startsWith(HIDDEN) ? [] : [[column.name, toUser(values[c]!, column)]],
    ),
  );
}

function factText({ value, where }: FactColumn): string {
  return `latest(${expressionText(value)})${whereText(where)}`;
}

function partLines({ of, from, to, inside, outside }: ExplainedPart): readonly string[] {
  return [
    `${of}: ${from ?? "the beginning"} to ${to}`,
    ...inside.map((row) => `  inside   ${rowText(row)}`),
    ...outside.map(({ row, because }) => `  outside  ${rowText(row)}: ${because}`),
  ];
}

function rowText(row: MockRowValues): string {
  const members = Object.entries(row).map(([name, value]) => `${name} ${valueText(value)}`);
  return members.join(", ");
}

function valueText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
