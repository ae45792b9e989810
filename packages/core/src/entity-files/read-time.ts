/** Reads the times of files by one rule (law 10: a time without a zone needs a declared one). */
import { TidemarkError } from "../errors.ts";
import { parseTime } from "../time/parse-time.ts";
import {
  bareNumberText,
  describeTimeProblem,
  timeProblemWithoutText,
} from "../time/time-problem.ts";
import { microsOfNumber, type TimeUnit } from "../time/time-unit.ts";

/** What the times of a file lack: the zone of local times, the unit of bare numbers. */
export interface TimeReading {
  /** The zone of times without a zone; null refuses such times. */
  readonly zone: string | null;
  /** The unit of bare numbers; null refuses them. */
  readonly timeUnit: TimeUnit | null;
  /** How messages write an option. Default: as the command has it. */
  readonly optionText?: OptionText | undefined;
}

/** Writes an option as its reader gives it, such as `--zone UTC`. Without a value: its name. */
export type OptionText = (name: "zone" | "timeUnit", value?: string) => string;

const commandOption: OptionText = (name, value) => {
  const option = name === "zone" ? "--zone" : "--time-unit";
  return value === undefined ? option : `${option} ${value}`;
};

/** Writes an option of the reading in a message. */
export function optionOf(
  { optionText = commandOption }: TimeReading,
  ...option: Parameters<OptionText>
): string {
  return optionText(...option);
}

const DATE = /^\s*(\d{4}-\d\d-\d\d)\s*$/;
const NUMBER = /^\s*([+-]?\d{1,30})(?:\.0+)?\s*$/;
/** A text that shows no name: digits and signs of a time, or a word for a missing one. */
const MAY_BE_TIME =
  /^[+-]?\d[\d\s.,:+/TtZz-]{0,60}(?: ?(?:UTC|GMT|[AaPp][Mm]))?$|^(?:NaT|NaN|nan|null|NULL|None)?$/;

/**
 * Adds the clock to a date alone: it is the midnight that begins the day.
 * Other texts stay as they are.
 */
export function withClock(text: string): string {
  const [, date] = DATE.exec(text) ?? [];
  return date === undefined ? text : `${date}T00:00`;
}

/**
 * Reads a text as µs since the epoch.
 * @throws TIME_INVALID when it is no time, with what it lacks; `location` names its place.
 */
export function timeOfText(text: string, reading: TimeReading, location: () => string): number {
  const [, digits] = NUMBER.exec(text) ?? [];
  if (digits !== undefined && !/^\d{8}$/.test(digits))
    return timeOfNumber(BigInt(digits.replace(/^\+/, "")), reading, location);
  const time = parseTime(withClock(text), reading.zone);
  if (time !== null) return time;
  // A text of another column may stand there, such as a name.
  const problem = MAY_BE_TIME.test(text)
    ? describeTimeProblem(text, reading.zone, `name its zone with ${optionOf(reading, "zone")}`)
    : `a text that is ${timeProblemOfText(text, reading.zone ?? "UTC")}`;
  throw new TidemarkError("TIME_INVALID", `${location()}: ${problem}`);
}

/**
 * Reads a bare number as µs since the epoch.
 * @throws TIME_INVALID when its unit is not declared, or the time lies beyond ±2^53 µs.
 */
export function timeOfNumber(number: bigint, reading: TimeReading, location: () => string): number {
  const { timeUnit } = reading;
  const option = optionOf(reading, "timeUnit");
  const invalid = (what: string): TidemarkError =>
    new TidemarkError("TIME_INVALID", `${location()}: ${String(number)} is ${what}`);
  if (timeUnit === null)
    throw invalid(
      `${bareNumberText(String(number))}; name its unit with ${option}, as in ` +
        optionOf(reading, "timeUnit", "ms"),
    );
  const micros = microsOfNumber(number, timeUnit);
  if (Number.isSafeInteger(micros)) return micros;
  throw invalid(
    `beyond the times of the years 1684 to 2255 if its unit is ${timeUnit}; see ${option}`,
  );
}

/** Says why a text is no time and the next step, and shows nothing of the text. */
export function timeProblemOfText(text: string, zone: string): string {
  return timeProblemWithoutText(withClock(text), zone);
}
