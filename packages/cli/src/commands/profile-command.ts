/** `tidemark profile`: statistics of the columns of a source, a view or a file. */
import type { ColumnProfile, ProfileReport } from "@tidemark/core";
import { sizeOf } from "../terminal/options.ts";
import { tableLines } from "../output/table.ts";
import { writeWhole } from "../output/whole-file.ts";
import { configCommand } from "./config-command.ts";
import { profiledNamed } from "./profiled.ts";

const help = `Usage: tidemark profile SOURCE|VIEW|SERVICE|FILE [--from DAY] [--to DAY] [options]

Shows statistics of each column of a source, of each feature of a materialized view or
of a service in the serving log, or of each column of a Parquet file such as a training
set: rows, nulls, different values, least and greatest value, mean, standard deviation,
quantiles, and the most frequent values. Profiles are stored by event day, in the table
SOURCE/profiles, VIEW/feature_profiles or serving-log/SERVICE/profiles. A later call
counts only the days whose rows changed since. A call may be killed and made again.

  --from DAY            the first day, as in 2025-06-14; default: the first of all
  --to DAY              the day after the last; default: all days
  --column NAME         a column or a feature; may be repeated; default: all
  --by-day              print the statistics of each day; default: of all days together
  --zone ZONE           the time zone of the days; default: UTC
  --out FILE            write the profile as a reference for tidemark drift, as JSON
  --memory SIZE         what counted values may take, as in 512MiB; default: 1GiB
`;

export const profileCommand: ReturnType<typeof configCommand> = configCommand({
  name: "profile",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  argument: "name",
  options: {
    from: "text",
    to: "text",
    column: "texts",
    "by-day": "flag",
    zone: "text",
    out: "text",
    memory: "text",
  },
  interrupted: "the days that were counted are stored; call it again for the others",
  async run({ given, open, signal, printResult, progress }) {
    const { store, definitions } = await open({ offline: true, online: false });
    const of = await profiledNamed(given.text("name")!, definitions, signal);
    const report = await store.profile({
      ...of,
      from: given.text("from"),
      to: given.text("to"),
      zone: given.text("zone"),
      memoryLimit: sizeOf(given, "memory"),
      ...(given.has("column") ? { columns: given.texts("column") } : {}),
      signal,
      onProgress({ days }) {
        progress.update(`${days} days counted`);
      },
    });
    const out = given.text("out");
    if (out !== undefined) await writeWhole(out, `${JSON.stringify(report.reference())}\n`);
    const { reference: _, ...plain } = report;
    printResult(plain, reportLines(report, given.has("by-day")));
    return 0;
  },
});

function reportLines(report: ProfileReport, isByDay: boolean): string[] {
  const { of, table, days, all, counted } = report;
  const [first, last] = [days[0], days.at(-1)];
  const span = first === undefined ? "" : ` of ${days.length} days, ${first.day} to ${last!.day}`;
  const stored =
    table === null
      ? ""
      : `; ${counted} ${counted === 1 ? "day was" : "days were"} counted now; table ${table}`;
  const head = `${of.kind === "rows" ? of.name : `${of.kind} ${of.name}`}: ${all.rows} rows${span}`;
  return [
    head + stored,
    ...(isByDay
      ? days.flatMap(({ day, rows, columns }) => ["", `${day}: ${rows} rows`, ...lines(columns)])
      : lines(all.columns)),
  ];
}

function lines(columns: readonly ColumnProfile[]): string[] {
  const heads = [
    "column",
    "nulls",
    "distinct",
    "min",
    "p05",
    "p50",
    "p95",
    "max",
    "mean",
    "stddev",
  ];
  return [
    ...tableLines([heads, ...columns.map(cells)]),
    ...columns.flatMap((one) => frequentLine(one)),
  ];
}

function cells({
  column,
  measures,
  nullRate,
  distinct,
  isExact,
  isHidden,
  min,
  max,
  mean,
  stddev,
  quantiles,
}: ColumnProfile): string[] {
  return [
    measures === "length" ? `${column} (length)` : column,
    nullRate === 0 ? "0 %" : `${(nullRate * 100).toPrecision(3)} %`,
    isExact ? String(distinct) : `about ${distinct}`,
    isHidden ? "personal" : shown(min),
    shown(quantiles?.p05 ?? null),
    shown(quantiles?.p50 ?? null),
    shown(quantiles?.p95 ?? null),
    shown(max),
    shown(mean),
    shown(stddev),
  ];
}

/** How long a text may be in a cell. */
const CELL = 20;

function shown(value: number | string | boolean | null): string {
  if (value === null) return "";
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 1e12
      ? String(value)
      : String(Number(value.toPrecision(6)));
  // a time without the digits that are zeros
  const text = JSON.stringify(String(value))
    .slice(1, -1)
    .replace(/\.000000Z$/, "Z");
  return text.length <= CELL ? text : `${text.slice(0, CELL - 1)}…`;
}

function frequentLine({ column, frequent, rows, nulls }: ColumnProfile): string[] {
  // values that are all different are no news
  if (frequent === null || (frequent[0]?.rows ?? 1) === 1) return [];
  const present = rows - nulls;
  const texts = frequent
    .slice(0, 5)
    .map((one) => `${shown(one.value)} ${((one.rows / present) * 100).toPrecision(3)} %`);
  return [`${column}: ${texts.join(", ")}`];
}
