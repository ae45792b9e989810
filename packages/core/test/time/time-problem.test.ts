import { expect, test } from "vitest";
import { describeTimeProblem } from "../../src/time/time-problem.ts";

const said = (text: string, zone: string | null = null): string =>
  describeTimeProblem(text, zone, "name its zone with --zone");

// prettier-ignore
const TEXTS: readonly (readonly [text: string, said: string])[] = [
  ["2025-06-08 14:00:00", "a time without a zone; write Z or +07:00 behind it, or name its zone with --zone"],
  ["2025-06-08", "a date alone, without hour, minute and zone; write 2025-06-08T00:00:00Z, or name its zone with --zone"],
  ["08/06/2025", "its day and its month can be mistaken for one another; write the year first, as 2026-01-31"],
  ["8.6.2025 14:00", "its day and its month can be mistaken"],
  ["2025/06/08", "no hyphens"],
  ["20250608T140000Z", "no hyphens and colons"],
  ["20250608", "no hyphens and colons"],
  ["2025-06-08T14:00:00+02:00[Europe/Berlin]", "a zone's name stands behind it"],
  ["2025-06-08 14:00:00 Europe/Berlin", "a zone's name stands behind it"],
  ["2025-06-08 14:00:00 CET", "its zone is an abbreviation"],
  ["2025-06-08 2:00 PM", "hours from 0 to 23"],
  ["2025-06-08T24:00:00Z", "the end of a day as 00:00 of the next"],
  ["2016-12-31T23:59:60Z", "seconds at 59"],
  ["2025-02-30T00:00:00Z", "the calendar has no such day"],
  ["2025-06-08T14:00:00.1234567890Z", "more than nine digits"],
  ["2025-06-08T14:00:00+25:00", "its offset"],
  ["9999-12-31T00:00:00Z", "1684-07-28 to 2255-06-05"],
  ["14:00:00", "its date is missing"],
  ["", "stands for a missing one"],
  ["NaT", "stands for a missing one"],
  ["null", "stands for a missing one"],
  ["infinity", "no moment"],
  ["1749384000000", "a bare number without a unit: it would be 2025-06-08T12:00:00Z in milliseconds, 1970-01-21T05:56:24Z in microseconds, 1970-01-01T00:29:09Z in nanoseconds"],
  ["yesterday", 'write it as "2026-01-31T09:30:00.125Z"'],
];
for (const [text, expected] of TEXTS)
  test(`${JSON.stringify(text)} is refused with what it lacks and the next step`, () => {
    expect(said(text)).toContain(expected);
  });

test("a long text is shown by its beginning", () => {
  expect(said("x".repeat(1e6)).length).toBeLessThan(200);
});
