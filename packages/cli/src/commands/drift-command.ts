/** `tidemark drift`: compares a source, a view or a file with a reference. */
import { readFile } from "node:fs/promises";
import {
  TidemarkError,
  type ColumnDrift,
  type DriftReference,
  type DriftReport,
  type ProfileReference,
} from "@tidemark/core";
import { sizeOf, usage } from "../terminal/options.ts";
import { tableLines } from "../output/table.ts";
import { configCommand } from "./config-command.ts";
import { fileRows, profiledNamed } from "./profiled.ts";

const help = `Usage: tidemark drift SOURCE|VIEW|SERVICE|FILE --reference REFERENCE [options]

Measures how far the columns of a source, the features of a materialized view or of a
service in the serving log, or the columns of a Parquet file are from a reference. The
measures are the population stability index (psi), the statistic of Kolmogorov and
Smirnov (ks), the Jensen-Shannon distance (jensenShannon), the Wasserstein distance
(wasserstein), and the difference of the share of missing values (nullRate). The results
are added to the table SOURCE/drift, VIEW/feature_drift or serving-log/SERVICE/drift.

  --reference REFERENCE a Parquet file such as a training set; a file that tidemark
                        profile --out wrote, which ends in .json; or days of the same
                        rows, from the first to before the last, as in
                        2025-05-01..2025-06-01
  --from DAY            the first day that is measured; default: the first of all
  --to DAY              the day after the last; default: all days
  --column NAME         a column or a feature; may be repeated; default: all that both
                        have, without primary keys and times
  --threshold M=NUMBER  a measure beyond the number is drift; may be repeated; default:
                        psi=0.2
  --zone ZONE           the time zone of the days; default: UTC
  --memory SIZE         what counted values may take, as in 512MiB; default: 1GiB
  --publish             keep the result in the online store, for the metrics of servers
`;

export const driftCommand: ReturnType<typeof configCommand> = configCommand({
  name: "drift",
  help,
  exitCodes: {
    0: "no measure is beyond its threshold",
    1: "failed",
    3: "a column drifted",
    130: "interrupted",
  },
  argument: "name",
  options: {
    reference: "text",
    from: "text",
    to: "text",
    column: "texts",
    threshold: "texts",
    zone: "text",
    memory: "text",
    publish: "flag",
  },
  required: ["reference"],
  interrupted: "no result was stored",
  async run({ given, open, signal, printResult }) {
    const thresholds = given.has("threshold") ? thresholdsOf(given.texts("threshold")) : undefined;
    const { store, definitions } = await open({ offline: true, online: given.has("publish") });
    const of = await profiledNamed(given.text("name")!, definitions, signal);
    const report = await store.drift({
      ...of,
      reference: await referenceOf(given.text("reference")!, signal),
      from: given.text("from"),
      to: given.text("to"),
      zone: given.text("zone"),
      memoryLimit: sizeOf(given, "memory"),
      ...(given.has("column") ? { columns: given.texts("column") } : {}),
      thresholds,
      signal,
    });
    printResult({ ...report }, reportLines(report));
    return report.drifted > 0 ? 3 : 0;
  },
});

/** @throws USAGE when a text is no measure and number. */
function thresholdsOf(texts: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, measure, number] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
      if (measure === undefined)
        throw usage(`--threshold ${text}: write a measure and a number, as in psi=0.2`);
      return [measure, Number(number)];
    }),
  );
}

async function referenceOf(text: string, signal: AbortSignal): Promise<DriftReference> {
  const window = /^([\d-]*)\.\.([\d-]*)$/.exec(text);
  if (window !== null)
    return {
      ...(window[1] === "" ? {} : { from: window[1] }),
      ...(window[2] === "" ? {} : { to: window[2] }),
    };
  if (!text.endsWith(".json")) return { rows: await fileRows(text, signal) };
  try {
    return { profile: JSON.parse(await readFile(text, "utf8")) as ProfileReference };
  } catch (cause) {
    throw new TidemarkError(
      "DRIFT_INVALID",
      `--reference ${text}: cannot be read (${(cause as Error).message}); make it with tidemark ` +
        "profile --out",
      { cause },
    );
  }
}

function reportLines(report: DriftReport): string[] {
  const { of, reference, from, to, columns, notCompared, drifted, table } = report;
  const name = of.kind === "rows" ? of.name : `${of.kind} ${of.name}`;
  const span = from === null && to === null ? "" : `, ${from ?? "…"} to ${to ?? "…"}`;
  const [first] = columns;
  const rows = first === undefined ? "" : `: ${first.rows} rows against ${first.referenceRows}`;
  const heads = ["column", "psi", "ks", "jensenShannon", "wasserstein", "nullRate", ""];
  const limits = Object.entries(report.thresholds).map(([measure, at]) => `${measure} ${at}`);
  return [
    `${name}${span}, against ${reference}${rows}`,
    ...tableLines([heads, ...columns.map(cells)]),
    ...(notCompared.length === 0 ? [] : [`not compared: ${notCompared.join(", ")}`]),
    `${drifted} of ${columns.length} columns drifted (beyond ${limits.join(", ") || "nothing"})` +
      (table === null ? "" : `; table ${table}`),
  ];
}

function cells(one: ColumnDrift): string[] {
  const { psi, ks, jensenShannon, wasserstein, nullRate } = one;
  const shown = (value: number | null): string =>
    value === null ? "" : String(Number(value.toPrecision(4)));
  return [
    one.column,
    ...[psi, ks, jensenShannon, wasserstein, nullRate].map(shown),
    one.exceeded.length === 0 ? "" : `drift: ${one.exceeded.join(", ")}`,
  ];
}
