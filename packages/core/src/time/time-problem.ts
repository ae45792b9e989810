/** Says in words why a text is no time, and how to write it. */
import { formatTime, timeProblemOf } from "./parse-time.ts";

const MAX_SHOWN = 60;
const MISSING = /^(?:nat|nan|null|none|n\/a|na|nil|undefined|\\n|-+)?$/i;

/**
 * Says why `parseTime` reads no time in the text, and the next step: `"08/06/2025" is …; write …`.
 * `nameZone` says how a caller names a zone, such as "name its zone with --zone"; null: nohow.
 */
export function describeTimeProblem(
  text: string,
  zone: string | null,
  nameZone: string | null,
): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  const next = nameZone === null ? "" : `, or ${nameZone}`;
  return `${JSON.stringify(shown)} is ${problemText(text.trim(), zone, next)}`;
}

/** Says what `describeTimeProblem` says, and shows nothing of the text. */
export function timeProblemWithoutText(given: string, zone: string): string {
  const text = given.trim();
  const problem = problemText(text, zone, "");
  const shows = /^[+-]?\d/.test(text) && (problem.includes(text) || problem.includes(" in micro"));
  return shows ? `${/^[^:;]*/.exec(problem)![0]}; write it as 2026-01-31T09:30:00Z` : problem;
}

function problemText(text: string, zone: string | null, orNameZone: string): string {
  switch (timeProblemOf(text, zone)) {
    case "no zone":
      return `a time without a zone; write Z or +07:00 behind it${orNameZone}`;
    case "date alone":
      return zone === null
        ? `a date alone, without hour, minute and zone; write ${text}T00:00:00Z${orNameZone}`
        : `a date alone, without hour and minute; write ${text}T00:00:00Z`;
    case "day":
      return "no time, because the calendar has no such day; repair the day";
    case "clock":
      return (
        "no time, because hours end at 23, and minutes and seconds at 59; " +
        "write the end of a day as 00:00 of the next"
      );
    case "fraction":
      return "no time, because it has more than nine digits after the seconds; leave the rest out";
    case "offset":
      return "no time, because its offset from UTC is beyond ±23:59; repair the offset";
    case "range":
      return (
        "beyond the times that features can use (1684-07-28 to 2255-06-05); " +
        "give null where there is no time"
      );
    case "form":
    case null:
      return formProblem(text);
  }
}

function formProblem(text: string): string {
  if (MISSING.test(text)) return "no time, but stands for a missing one; give a time";
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return "no moment; give a time";
  const number = /^[+-]?\d{1,19}(?:\.\d+)?$/.test(text) && !/^(?:19|20)\d{6}$/.test(text);
  if (number) return bareNumberText(text);
  if (/^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}/.test(text))
    return (
      "no time, because its day and its month can be mistaken for one another; " +
      "write the year first, as 2026-01-31"
    );
  if (/^\d{4}[/.]\d{1,2}[/.]\d{1,2}/.test(text))
    return "no time, because its date has no hyphens; write 2026-01-31";
  if (/^\d{8}(?:T?\d{4,6})?/.test(text))
    return "no time, because it has no hyphens and colons; write 2026-01-31T09:30:00Z";
  if (/\d\]?\[|[ \]][A-Z][A-Za-z_]+(?:\/[\w+-]+)+\]?$/.test(text))
    return "no time, because a zone's name stands behind it; write the offset alone, as +02:00";
  if (/\d ?[ap]\.?m\b/i.test(text))
    return "no time, because of AM and PM; write hours from 0 to 23";
  if (/^\d{4}-\d\d-\d\d.*\d ?[A-Z]{2,5}$/.test(text))
    return "no time, because its zone is an abbreviation; write the offset, as +02:00";
  if (/^\d{1,2}:\d\d/.test(text)) return "no time, because its date is missing; write both";
  return 'no time; write it as "2026-01-31T09:30:00.125Z"';
}

/**
 * Says what a number would be in the units of Kafka, pandas and databases.
 * Nobody can see the unit of a bare number (law 10: a bare number is an error).
 */
export function bareNumberText(digits: string): string {
  const number = Number(digits);
  const as = ([unit, factor]: readonly [string, number]): string | null => {
    const micros = Math.floor(number * factor);
    if (!Number.isSafeInteger(micros)) return null;
    return `${formatTime(micros).slice(0, 19)}Z in ${unit}`;
  };
  const forms = (
    [
      ["seconds", 1e6],
      ["milliseconds", 1e3],
      ["microseconds", 1],
      ["nanoseconds", 1e-3],
    ] as const
  )
    .map(as)
    .filter((one) => one !== null);
  return (
    "a bare number without a unit" + (forms.length === 0 ? "" : `: it would be ${forms.join(", ")}`)
  );
}
