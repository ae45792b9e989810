import { expect, test } from "vitest";
import {
  lastDayBefore,
  localDate,
  localDates,
  refuseUnfinished,
  today,
} from "../../src/materialize/local-date.ts";

const at = (text: string): number => Date.parse(text) * 1000;

test("a day is stamped with its end in its zone", () => {
  expect(localDate("2025-06-14", "UTC", "test").time).toBe(at("2025-06-15T00:00:00Z"));
  expect(localDate("2025-06-14", "Asia/Ho_Chi_Minh", "test").time).toBe(at("2025-06-14T17:00:00Z"));
  expect(localDate("1969-12-31", "UTC", "test").time).toBe(0);
});

test("a day has 23 to 25 hours at a clock change, and may have no midnight", () => {
  const hours = (date: string, zone: string): number =>
    (localDate(date, zone, "test").time - lastDayBefore(date, zone, "test").time) / 3_600_000_000;
  expect([
    hours("2025-03-30", "Europe/Berlin"),
    hours("2025-10-26", "Europe/Berlin"),
    hours("2025-06-14", "Europe/Berlin"),
  ]).toEqual([23, 25, 24]);
  expect(localDate("2018-11-03", "America/Sao_Paulo", "test").time).toBe(
    at("2018-11-04T03:00:00Z"),
  );
});

test("from is included and to is not", () => {
  expect(localDates("2025-02-27", "2025-03-02", "UTC", "test").map(({ date }) => date)).toEqual([
    "2025-02-27",
    "2025-02-28",
    "2025-03-01",
  ]);
  for (const to of ["2025-02-27", "2025-02-26"])
    expect(() => localDates("2025-02-27", to, "UTC", "test")).toThrow(
      expect.objectContaining({ code: "DATES_EMPTY" }),
    );
});

test("a text that is no day of the calendar is refused", () => {
  for (const text of [
    "2025-02-29",
    "2025-6-14",
    "14.06.2025",
    "",
    "2025-06-14T00:00:00Z",
    20250614,
    null,
    undefined,
  ]) {
    expect(() => localDate(text, "UTC", "test")).toThrow(
      expect.objectContaining({ code: "DATE_INVALID" }),
    );
  }
  expect(() => localDate("+285427-01-01", "UTC", "test")).toThrow(
    expect.objectContaining({ code: "DATE_INVALID" }),
  );
  expect(() => localDate("2025-06-14", "Asia/Ho_Chi_Min", "test")).toThrow(
    expect.objectContaining({ code: "TIME_ZONE_UNKNOWN" }),
  );
});

test("today is the day in the zone, and a day ends when the next begins there", () => {
  const now = at("2025-06-14T17:00:00Z");
  expect([
    today(now, "UTC"),
    today(now, "Asia/Ho_Chi_Minh"),
    today(now - 1, "Asia/Ho_Chi_Minh"),
    today(now, "Pacific/Kiritimati"),
    today(at("2025-06-14T11:00:00Z"), "Pacific/Pago_Pago"),
  ]).toEqual(["2025-06-14", "2025-06-15", "2025-06-14", "2025-06-15", "2025-06-14"]);
  refuseUnfinished([localDate("2025-06-14", "Asia/Ho_Chi_Minh", "test")], now, "test");
  expect(() => {
    refuseUnfinished([localDate("2025-06-14", "UTC", "test")], now, "test");
  }).toThrow(expect.objectContaining({ code: "DATE_NOT_OVER" }));
});
