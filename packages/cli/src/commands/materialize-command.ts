/**
 * `tidemark materialize`: computes the rows of views as of the end of days. The rows go to features
 * tables and to the online store.
 */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { DaysEngine } from "@tidemark/core/spi";
import type { sparkDays } from "@tidemark/engine-spark";
import { configCommand } from "./config-command.ts";
import { localDay, localDays, yesterday } from "../input/local-days.ts";
import { sizeOf, usage } from "../terminal/options.ts";
import { engineNamed } from "../training-set/engine-named.ts";

const help = `Usage: tidemark materialize [--view NAME] [--date 2025-06-14] [options]

Computes a row of each view for every entity in the history, as of the end of a day.
The rows go to the table VIEW/features, partitioned by date. The rows of the newest day
also go to the online store. The end of a day is the midnight after it, so the windows
hold the day itself: --date 2025-06-14 with "7d" is 8 June to 14 June. A day that is
computed again replaces its rows. The command may be killed and run again.

  --view NAME           a view; may be repeated; default: all views
  --date DATE           a day in the configuration's zone; may be repeated; default:
                        yesterday
  --from DATE           the first of several days
  --to DATE             the day after the last of several days
  --incremental         compute the stale dates: the days whose rows changed in the
                        history since they were computed. Also compute the days after
                        the newest day, up to yesterday or before --to. With an earlier
                        --from, also the days from there on
  --zone NAME           the zone of the days, in place of the configuration's; a table
                        keeps its first zone
  --no-online           write only the tables
  --engine NAME         an engine of the configuration computes the rows, such as Spark;
                        this process lists the entities and writes the rows
  --memory-limit SIZE   the memory of the events and rows, about, such as 512MiB;
                        default: 1GiB
`;

export const materializeCommand: ReturnType<typeof configCommand> = configCommand({
  name: "materialize",
  help,
  exitCodes: {
    0: "done, or nothing to do",
    1: "a day failed; finished days stay",
    130: "interrupted; finished days stay",
  },
  options: {
    view: "texts",
    date: "texts",
    from: "text",
    to: "text",
    incremental: "flag",
    zone: "text",
    "no-online": "flag",
    "memory-limit": "text",
    engine: "text",
  },
  audited: true,
  interrupted: "finished days stay; run it again for the other days",
  async run({ given, config, open, progress, signal, printResult, audit, seconds }) {
    const zone = given.text("zone") ?? config.zone ?? "UTC";
    const [dates, from, to, incremental] = [
      given.texts("date"),
      given.text("from"),
      given.text("to"),
      given.has("incremental"),
    ];
    if (dates.length > 0 && (from !== undefined || to !== undefined))
      throw usage("--date names single days, --from and --to a range: give one or the other");
    if (dates.length > 0 && incremental)
      throw usage("--incremental finds the days itself: leave --date out");
    if (!incremental && (from === undefined) !== (to === undefined))
      throw usage("--from and --to need each other");
    // An invalid day is an error of the command line. It is reported before anything is opened.
    if (from !== undefined && to !== undefined) localDays(from, to, zone);
    for (const [option, values] of [
      ["--date", dates],
      ["--from", from === undefined ? [] : [from]],
      ["--to", to === undefined ? [] : [to]],
    ] as const)
      for (const value of values) localDay(value, zone, option);
    const memoryLimit = sizeOf(given, "memory-limit");
    const days =
      incremental || from !== undefined
        ? undefined
        : dates.length > 0
          ? dates
          : [yesterday(zone, new Date()).date];

    const engineName = given.text("engine");
    const engine = engineName === undefined ? null : engineNamed(config, engineName);
    const { store, offline, definitions } = await open({
      offline: true,
      ...(given.has("no-online") ? { online: false } : {}),
    });
    const names = [...definitions.views.keys()];
    const views = given.has("view") ? given.texts("view") : names;
    const unknown = views.find(
      (name) => !names.includes(name) && !definitions.derivedViews.has(name),
    );
    if (unknown !== undefined)
      throw new TidemarkError(
        "VIEW_UNKNOWN",
        `${config.file}: no feature view is called "${unknown}"${didYouMean(unknown, names)} ` +
          `(there ${names.length === 1 ? "is" : "are"} ${names.join(", ") || "none"})`,
      );
    audit({ views });
    const result = await store.materialize({
      views,
      dates: days,
      from,
      to,
      incremental,
      zone,
      memoryLimit,
      signal,
      engine: engine === null ? undefined : await daysEngine({ engine, store, offline: offline! }),
      onProgress({ view, date, rows, done, total }) {
        progress.done(`${view} ${date}: ${rows} rows (${done} of ${total}), ${seconds()}`);
      },
    });
    audit({ days: result.views.reduce((sum, { dates: computed }) => sum + computed.length, 0) });
    printResult(
      { ...result, zone },
      result.views.map(({ view, table, dates: computed, unchanged, online }) => {
        const kept = unchanged > 0 ? `, ${countOf(unchanged)} unchanged` : "";
        const served = online === null ? "" : `; ${online} is online`;
        return `${view}: ${countOf(computed.length)} computed into ${table}${kept}${served}`;
      }),
    );
    return 0;
  },
});

async function daysEngine(options: Parameters<typeof sparkDays>[0]): Promise<DaysEngine> {
  const spark = await import("@tidemark/engine-spark");
  return spark.sparkDays(options);
}

function countOf(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
