/** `tidemark load`: days into the tables of the configuration's sources. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import type { CompletedDay } from "../load/load-job.ts";
import { localDay, localDays, yesterday } from "../input/local-days.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark load [--date 2025-06-14] [--job NAME] [options]

Brings the rows of a day into the tables that the jobs under \`load\` in the configuration name. Each day is one transaction, with a note that it is there
(tidemark_loaded, beside the table): killed at any point and run again, a day is there once or not at all, and one that is there stays as it is.

  --date DATE     a day of the configuration's zone; yesterday, the last that is over, if nothing is given
  --from DATE     several days: from this one
  --to DATE       up to the day before this one
  --job NAME      one of the jobs; all of them, in their order, if it is left out
  --again         take the rows of the days out and bring them anew; the job must say how they are taken out (removal)

Exit codes: 0 done, or there already · 1 a day failed, and nothing of it was written; those before it stay · 2 the command line is wrong · 130 interrupted
`;

export const loadCommand: ReturnType<typeof configCommand> = configCommand({
  name: "load",
  help,
  options: { date: "text", from: "text", to: "text", job: "text", again: "flag" },
  interrupted: "the day under way was not written; those before it stay",
  async run({ given, config, progress, signal, printResult }) {
    const zone = config.zone ?? "UTC";
    const [date, from, to] = [given.text("date"), given.text("from"), given.text("to")];
    if (date !== undefined && (from !== undefined || to !== undefined))
      throw usage("--date is one day, --from and --to are several: give one or the other");
    if ((from === undefined) !== (to === undefined)) throw usage("--from and --to belong together");
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
        `${unfinished.date} is not over in ${zone}: what still comes of it stays out, because ` +
          "a day is loaded once (--again takes it anew)",
      );

    const { runLoadJob } = await import("../load/load-job.ts");
    const done: object[] = [];
    let there = 0;
    for (const name of asked === undefined ? names : [asked]) {
      await runLoadJob(config, {
        name,
        days,
        again: given.has("again"),
        signal,
        onProgress: (text) => {
          progress.update(text);
        },
        onDay(day, ms) {
          done.push({ job: name, ...day, seconds: Math.round(ms) / 1000 });
          if (!day.written) there++;
          progress.done(`${name} ${day.date}: ${dayText(day)}, ${(ms / 1000).toFixed(1)} s`);
        },
      });
    }
    printResult({ days: done }, [`${done.length - there} written, ${there} there already`]);
    return 0;
  },
});

function dayText(day: CompletedDay): string {
  const { written, rows, taken, removed } = day;
  if (!written) return "there already, and nothing happened";
  if (typeof rows !== "number") return "written";
  return (
    `${rows} ` +
    `rows${typeof taken === "number" && taken !== rows ? `, ${taken} of them new or changed` : ""}${typeof removed === "number" && removed > 0 ? `, ${removed} taken out before` : ""}`
  );
}
