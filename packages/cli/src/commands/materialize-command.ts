/**
 * `tidemark materialize`: the rows of views at the end of days, into their features tables and the
 * online store.
 */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { localDay, localDays, yesterday } from "../input/local-days.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark materialize [--view NAME] [--date 2025-06-14] [options]

Computes a row of each view for every entity that history knows of, and writes it to the Delta table VIEW/features, parted by date; the rows of the newest day go to the
online store too. The rows of a day are stamped with its end (the midnight after it), so that the day itself is in their windows: --date 2025-06-14 and "7d" is
8 June to 14 June. A day that is done again is replaced: killed at any point and run again, each row is there once.

  --view NAME     again for each further one; all views, if it is left out
  --date DATE     a day of the configuration's zone, again for each further one; yesterday, the last that is over, if nothing is given
  --from DATE     several days: from this one
  --to DATE       up to the day before this one
  --incremental   the days that need it: those for which the history took something in since they were computed, however late it came and however old it is, and those
                  after the newest (with --from before the oldest) up to yesterday (--to: up to the day before it)
  --zone NAME     other days than those of the configuration's zone; a table keeps the zone that it was begun with
  --no-online     write the tables only

Exit codes: 0 done, or nothing to do · 1 a day failed; days that were finished stay · 2 the command line is wrong · 130 interrupted
`;

export const materializeCommand: ReturnType<typeof configCommand> = configCommand({
  name: "materialize",
  help,
  options: {
    view: "texts",
    date: "texts",
    from: "text",
    to: "text",
    incremental: "flag",
    zone: "text",
    "no-online": "flag",
  },
  interrupted: "days that were finished stay; run it again for the others",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const zone = given.text("zone") ?? config.zone ?? "UTC";
    const [dates, from, to, incremental] = [
      given.texts("date"),
      given.text("from"),
      given.text("to"),
      given.has("incremental"),
    ];
    if (dates.length > 0 && (from !== undefined || to !== undefined))
      throw usage("--date names days, --from and --to are all between: give one or the other");
    if (dates.length > 0 && incremental)
      throw usage("--incremental finds the days itself: leave --date out");
    if (!incremental && (from === undefined) !== (to === undefined))
      throw usage("--from and --to belong together");
    // what is no day is the command line's fault, and is told before anything is opened
    if (from !== undefined && to !== undefined) localDays(from, to, zone);
    for (const [option, values] of [
      ["--date", dates],
      ["--from", from === undefined ? [] : [from]],
      ["--to", to === undefined ? [] : [to]],
    ] as const)
      for (const value of values) localDay(value, zone, option);
    const days =
      incremental || from !== undefined
        ? undefined
        : dates.length > 0
          ? dates
          : [yesterday(zone, new Date()).date];

    const { store, definitions } = await open({
      offline: true,
      ...(given.has("no-online") ? { online: false } : {}),
    });
    const names = [...definitions.views.keys()];
    const views = given.has("view") ? given.texts("view") : names;
    const unknown = views.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new TidemarkError(
        "VIEW_UNKNOWN",
        `${config.file}: no feature view is called "${unknown}"${didYouMean(unknown, names)} ` +
          `(there ${names.length === 1 ? "is" : "are"} ${names.join(", ") || "none"})`,
      );
    const result = await store.materialize({
      views,
      dates: days,
      from,
      to,
      incremental,
      zone,
      signal,
      onProgress({ view, date, rows, done, total }) {
        progress.done(`${view} ${date}: ${rows} rows (${done} of ${total}), ${seconds()}`);
      },
    });
    printResult(
      { ...result, zone },
      result.views.flatMap(({ view, table, dates: computed, unchanged, online }) => [
        `${view}: ${countOf(computed.length)} computed into ` +
          `${table}${unchanged > 0 ? `, ${countOf(unchanged)} there as ${unchanged === 1 ? "it was" : "they were"}` : ""}${online === null ? "" : `; ${online} is online`}`,
      ]),
    );
    return 0;
  },
});

function countOf(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
