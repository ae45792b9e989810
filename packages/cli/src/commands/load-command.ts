/** `tidemark load`: runs load jobs of the configuration for days. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean, TIME_UNITS } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import type { CompletedDay } from "../load/load-job.ts";
import { localDay, localDays, yesterday } from "../input/local-days.ts";
import { choiceOf, usage } from "../terminal/options.ts";

const help = `Usage: tidemark load [--date 2025-06-14] [--job NAME] [options]

Loads the rows of a day into the tables of the load jobs in the configuration. One
transaction holds the rows of a day and a note in the table tidemark_loaded beside
them. A killed process leaves nothing of its day. A day that is loaded stays as it is.

  --date DATE           a day in the configuration's zone; default: yesterday
  --from DATE           the first of several days
  --to DATE             the day after the last of several days
  --job NAME            one load job; default: all load jobs, in their order
  --time-unit UNIT      s, ms, us or ns: the unit of times that are whole numbers;
                        default: timeUnit of the load job; without both such times are
                        refused
  --again               remove the rows of the days, and load them again; the job must
                        have a removal statement
`;

export const loadCommand: ReturnType<typeof configCommand> = configCommand({
  name: "load",
  help,
  exitCodes: {
    0: "loaded, now or before",
    1: "a day failed; nothing of it was written, earlier days stay",
    130: "interrupted; the days that were loaded stay",
  },
  options: {
    date: "text",
    from: "text",
    to: "text",
    job: "text",
    "time-unit": "text",
    again: "flag",
  },
  audited: true,
  interrupted: "the day in progress was not written; earlier days stay",
  async run({ given, config, progress, signal, printResult, audit }) {
    const zone = config.zone ?? "UTC";
    const [date, from, to] = [given.text("date"), given.text("from"), given.text("to")];
    if (date !== undefined && (from !== undefined || to !== undefined))
      throw usage("--date is one day, --from and --to are several days: give one or the other");
    if ((from === undefined) !== (to === undefined)) throw usage("--from and --to need each other");
    const days =
      date !== undefined
        ? [localDay(date, zone, "--date")]
        : from !== undefined
          ? localDays(from, to!, zone)
          : [yesterday(zone, new Date())];
    const names = Object.keys(config.load ?? {});
    const asked = given.text("job");
    if (names.length === 0)
      throw new TidemarkError(
        "CONFIG_INVALID",
        `${config.file}: there is nothing to load; add load: { name: { database, table, ` +
          "rows } }",
      );
    if (asked !== undefined && !names.includes(asked))
      throw new TidemarkError(
        "LOAD_JOB_UNKNOWN",
        `${config.file}: no load job is called "${asked}"${didYouMean(asked, names)} ` +
          `(there ${names.length === 1 ? "is" : "are"} ${names.join(", ")})`,
      );
    const unfinished = days.find((day) => day.to.getTime() > Date.now());
    if (unfinished !== undefined)
      progress.warn(
        `${unfinished.date} is not over in ${zone}: rows that come later are not loaded, because ` +
          "a day is loaded once (--again loads it again)",
      );

    const timeUnit = given.has("time-unit") ? choiceOf(given, "time-unit", TIME_UNITS) : null;
    const { runLoadJob } = await import("../load/load-job.ts");
    const done: object[] = [];
    let before = 0;
    audit({
      jobs: asked === undefined ? names : [asked],
      from: days[0]!.date,
      to: days.at(-1)!.date,
      again: given.has("again"),
    });
    for (const name of asked === undefined ? names : [asked]) {
      await runLoadJob(config, {
        name,
        days,
        again: given.has("again"),
        timeUnit,
        signal,
        onProgress: (text) => {
          progress.update(text);
        },
        onDay(day, ms) {
          done.push({ job: name, ...day, seconds: Math.round(ms) / 1000 });
          if (!day.written) before++;
          progress.done(`${name} ${day.date}: ${dayText(day)}, ${(ms / 1000).toFixed(1)} s`);
        },
      });
    }
    audit({ written: done.length - before });
    printResult({ days: done }, [`${done.length - before} written, ${before} loaded before`]);
    return 0;
  },
});

function dayText({ written, rows, taken, removed }: CompletedDay): string {
  if (!written) return "loaded before; nothing to do";
  if (typeof rows !== "number") return "written";
  const changed =
    typeof taken === "number" && taken !== rows ? `, ${taken} of them new or changed` : "";
  const before = typeof removed === "number" && removed > 0 ? `, ${removed} removed first` : "";
  return `${rows} rows${changed}${before}`;
}
