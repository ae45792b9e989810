/** Writes the parts of an explanation as plain data, with the places of their rows in the log. */
import { expressionText } from "../expr/expression-text.ts";
import { columnExpression } from "../expr/tree.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import { generationOf, orderInGeneration } from "../rows/snapshot-generations.ts";
import type { ColumnSpec, SourceSpec, Value, ViewSpec } from "../specs.ts";
import { formatTime } from "../time/parse-time.ts";
import { jsonOf, jsonRow, type JsonRow } from "./exact-json.ts";
import type { ExplainQuestion, ViewParts } from "./explain-feature.ts";
import type {
  ExplainedLookup,
  ExplainedPart,
  ExplainedRow,
  ExplainedVersion,
} from "./explain-types.ts";
import type {
  AskedVersion,
  LoggedRow,
  LoggedRows,
  LoggedVersion,
  LogPlaces,
} from "./logged-rows.ts";
import { maskedIf, maskedRow, type Masking } from "./masking.ts";
import type { PlanPart } from "./plan-parts.ts";
import { valuesOf } from "./row-values.ts";
import type { LeftOut } from "./seen-rows.ts";
import type { FoundVersion, ViewRow } from "./view-rows.ts";

/** The most rows of a part for which the value without each row is computed. */
const MOST_WITHOUT = 50;

/** Writes the parts of all views. Only the rows that are listed are looked for in the log. */
export async function explainedParts(
  views: readonly ViewParts[],
  { keys, maxRows, masking }: Pick<ExplainQuestion, "keys" | "maxRows" | "masking">,
  logged: LoggedRows,
): Promise<readonly ExplainedPart[]> {
  const asked = new Map<LoggedVersion, AskedVersion>();
  const ask = (row: LoggedRow, versions: readonly LoggedVersion[]): void => {
    for (const version of versions) asked.set(version, { row, version });
  };
  const lists = views.map(({ parts }) =>
    parts.map(({ inside, outside }) => ({
      inside: newest(inside, maxRows),
      outside: newest(outside, maxRows),
    })),
  );
  for (const { inside, outside } of lists.flat())
    for (const row of [...inside, ...outside.map((one) => one.row)]) {
      ask(row.origin.row, row.origin.row.versions);
      for (const found of row.found) if (found !== null) ask(found.row, [found.version]);
    }
  const places = await logged.placesOf([...asked.values()]);
  return views.flatMap(({ view, rows: { source }, parts, isMasked }, v) =>
    parts.map((part, p): ExplainedPart => {
      const { inside, outside } = lists[v]![p]!;
      const written = (row: ViewRow, leftOut: LeftOut | null): ExplainedRow =>
        explainedRow({
          view,
          columns: source,
          part,
          isMasked,
          row,
          leftOut,
          context: { places, logged, masking },
        });
      return {
        name: part.name,
        view: view.name,
        source: source.name,
        of: part.of,
        keys: Object.fromEntries(
          view.keyColumns.map((column, k) => {
            const key = view.entity.keys[k]!;
            return [column, jsonOf(keys[key.name] ?? null, key)];
          }),
        ),
        filter: part.filter === null ? null : expressionText(part.filter),
        start: Number.isFinite(part.start) ? formatTime(part.start) : null,
        end: formatTime(part.end),
        edges: part.edges === null ? null : part.edges.map((edge) => formatTime(edge)),
        value: maskedIf(isMasked, jsonOf(part.value, part.type)),
        insideCount: part.inside.length,
        inside: inside.map((row) => written(row, null)),
        outsideCount: part.outside.length,
        outside: outside.map(({ row, leftOut }) => written(row, leftOut)),
      };
    }),
  );
}

function newest<Row>(rows: readonly Row[], most: number): readonly Row[] {
  return most === 0 ? [] : rows.slice(-most);
}

interface RowToWrite {
  readonly view: ViewSpec;
  /** The source that has the columns of the view's rows. */
  readonly columns: SourceSpec;
  readonly part: PlanPart;
  /** Whether the values of the part are not shown. */
  readonly isMasked: boolean;
  readonly row: ViewRow;
  readonly leftOut: LeftOut | null;
  readonly context: WrittenContext;
}

/** What all rows of an explanation are written with. */
interface WrittenContext {
  readonly places: LogPlaces;
  readonly logged: LoggedRows;
  readonly masking: Masking;
}

function explainedRow(written: RowToWrite): ExplainedRow {
  const { view, columns: of, part, isMasked, row, leftOut, context } = written;
  const { places, logged, masking } = context;
  const { origin } = row;
  const { source, key, versions } = origin.row;
  const counts = leftOut === null;
  const told = counts ? null : toldReason(origin.version, leftOut, places);
  const { valueOver, inside, type } = part;
  return {
    source: source.name,
    key: tableRow(source, primaryKeyColumns(source), key, masking),
    time: Number.isNaN(row.time) ? null : formatTime(row.time),
    row: maskedRow(jsonRow(of.columns, row.values, heldIn(logged, of.columns, row)), (name) =>
      masking.expression(view, columnExpression(columnNamed(of, name))),
    ),
    reason: told?.reason ?? null,
    because: told?.because ?? null,
    brings: counts
      ? Object.fromEntries(
          part.inputs.map((input) => [
            expressionText(input),
            maskedIf(
              masking.expression(view, input),
              jsonOf(valuesOf(of, input, [row])[0]!, input),
            ),
          ]),
        )
      : {},
    ...(counts && valueOver !== null && inside.length <= MOST_WITHOUT
      ? {
          without: maskedIf(isMasked, jsonOf(valueOver(inside.filter((one) => one !== row)), type)),
        }
      : {}),
    versions: versions.flatMap((version) =>
      explainedVersions(origin.row, version, counts && version === origin.version, context),
    ),
    lookups: row.found.flatMap((found) =>
      found === null ? [] : [explainedLookup(found, context)],
    ),
  };
}

/** Values of columns of a table, as far as they are shown. */
function tableRow(
  source: SourceSpec,
  columns: readonly ColumnSpec[],
  values: readonly Value[],
  masking: Masking,
): JsonRow {
  return maskedRow(jsonRow(columns, values), (name) =>
    masking.column(source, columnNamed(source, name)),
  );
}

function columnNamed({ columns }: SourceSpec, name: string): ColumnSpec {
  return columns.find((column) => column.name === name)!;
}

/** Columns that the online store does not hold are not told as null. */
function heldIn(
  { hasAllColumns }: LoggedRows,
  columns: readonly ColumnSpec[],
  { values }: ViewRow,
): (column: ColumnSpec) => boolean {
  return hasAllColumns ? () => true : (column) => values[columns.indexOf(column)] !== null;
}

/** The reason, with what the log says of the change that ended the version. */
function toldReason(version: LoggedVersion, leftOut: LeftOut, { ends }: LogPlaces): LeftOut {
  const end = ends.get(version);
  if (leftOut.reason !== "SUPERSEDED" || end === undefined) return leftOut;
  const at = formatTime(end.committed);
  switch (end.kind) {
    case "deleted":
      return { reason: "DELETED", because: `the row was deleted at ${at}` };
    case "emptied":
      return { reason: "DELETED", because: `the table was emptied at ${at}` };
    case "changed":
      return {
        reason: "SUPERSEDED",
        because: `a change at ${at} moved the row to another entity or out of its time`,
      };
  }
}

function explainedLookup({ row, version }: FoundVersion, context: WrittenContext): ExplainedLookup {
  return {
    source: row.source.name,
    key: tableRow(row.source, primaryKeyColumns(row.source), row.key, context.masking),
    version: explainedVersions(row, version, true, context)[0]!,
  };
}

/** A version, and behind it the change that ended it if that is no version of the entity. */
function explainedVersions(
  { source }: LoggedRow,
  version: LoggedVersion,
  isSeen: boolean,
  { places: { origins, ends }, masking }: WrittenContext,
): readonly ExplainedVersion[] {
  const { from, to, values, isHere, quarantine, order, committed } = version;
  const origin = origins.get(version);
  const end = ends.get(version);
  const row = (of: readonly Value[] | null): JsonRow | null =>
    of === null ? null : tableRow(source, source.columns, of, masking);
  const own: ExplainedVersion = {
    knownFrom: Number.isFinite(from) ? formatTime(from) : null,
    knownTo: Number.isFinite(to) ? formatTime(to) : null,
    isSeen,
    change: values === null ? "deleted" : isHere ? "row" : "elsewhere",
    row: row(values),
    quarantine,
    committed: formatTime(committed),
    order: orderText(order),
    topic: origin?.topic ?? null,
    partition: origin?.partition ?? null,
    offset: origin?.offset ?? null,
    transaction: origin?.transaction ?? null,
  };
  if (end === undefined) return [own];
  return [
    own,
    {
      knownFrom: formatTime(end.committed),
      knownTo: null,
      isSeen: false,
      change: end.kind === "changed" ? "elsewhere" : "deleted",
      row: row(end.values),
      quarantine: null,
      committed: formatTime(end.committed),
      order: orderText(end.order),
      topic: end.topic,
      partition: end.partition,
      offset: end.offset,
      transaction: end.transaction,
    },
  ];
}

/** The log order as the log said it. */
function orderText(order: bigint): string {
  return String(order - orderInGeneration(generationOf(order), 0n));
}
