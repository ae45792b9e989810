import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TidemarkError } from "../../src/errors.ts";
import { instantText, localClockText } from "../../src/time/instant-text.ts";
import { formatDate, formatTime, parseDate, parseTime } from "../../src/time/parse-time.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 3_000 });
const check = (property: fc.IRawProperty<unknown>): void => {
  fc.assert(property, { seed, numRuns: runs });
};

/** The slow reference: one pattern, a calendar of counted days, BigInt. */
function slowTime(text: string): bigint | null {
  const match =
    // prettier-ignore
    /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?))?$/.exec(
      text.trim(),
    );
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => BigInt(part ?? 0)) as [bigint, bigint, bigint, bigint, bigint, bigint];
  const days = slowDay(year, month, day);
  if (days === null || hour > 23n || minute > 59n || second > 59n || match[8] === undefined)
    return null;
  let offset = 0n;
  if (match[10] !== undefined) {
    const [hours, minutes] = [BigInt(match[10]), BigInt(match[11] ?? 0)];
    const seconds = BigInt(match[12] ?? 0);
    if (hours > 23n || minutes > 59n || seconds > 59n) return null;
    offset = ((hours * 60n + minutes) * 60n + seconds) * (match[9] === "-" ? -1n : 1n);
  }
  const nanos =
    (((days * 24n + hour) * 60n + minute) * 60n + second - offset) * 1_000_000_000n +
    BigInt((match[7] ?? "").padEnd(9, "0"));
  const micros = (nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n;
  return micros > -(2n ** 53n) && micros < 2n ** 53n ? micros : null;
}

const leap = (year: bigint): boolean =>
  year % 4n === 0n && (year % 100n !== 0n || year % 400n === 0n);
function slowDay(year: bigint, month: bigint, day: bigint): bigint | null {
  const months = [31n, leap(year) ? 29n : 28n, 31n, 30n, 31n, 30n, 31n, 31n, 30n, 31n, 30n, 31n];
  const length = months[Number(month) - 1];
  if (year < 1n || length === undefined || day < 1n || day > length) return null;
  const before = (year: bigint): bigint =>
    365n * (year - 1n) + (year - 1n) / 4n - (year - 1n) / 100n + (year - 1n) / 400n;
  return (
    before(year) -
    before(1970n) +
    months.slice(0, Number(month) - 1).reduce((sum, days) => sum + days, 0n) +
    day -
    1n
  );
}

const two = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((n) => String(n).padStart(2, "0"));
const pick = fc.constantFrom;
const texts = fc
  .tuple(
    fc
      .oneof(
        fc.integer({ min: 0, max: 9999 }),
        fc.integer({ min: 1683, max: 2256 }),
        fc.integer({ min: 1960, max: 2030 }),
      )
      .map((year) => String(year).padStart(4, "0")),
    two(0, 13),
    two(0, 32),
    pick("T", " ", "t"),
    two(0, 24),
    two(0, 60),
    fc.option(
      fc.tuple(
        two(0, 60),
        fc.option(fc.string({ unit: pick(..."0123456789"), minLength: 0, maxLength: 10 })),
      ),
    ),
    fc.oneof(
      pick("Z", "Z", "Z", "", "z", " UTC", "GMT", "Z ", " CET"),
      fc
        .tuple(
          pick("+", "-", " +", "  -"),
          two(0, 24),
          pick(":", ""),
          fc.option(fc.tuple(two(0, 60), fc.option(two(0, 60)))),
        )
        .map(([sign, hours, colon, rest]) =>
          [sign + hours, ...(rest ?? []).filter((part) => part !== null)].join(colon),
        ),
    ),
  )
  .map(([year, month, day, between, hour, minute, second, zone]) => {
    const fraction = second === null || second[1] === null ? "" : `.${second[1]}`;
    const seconds = second === null ? "" : `:${second[0]}${fraction}`;
    return `${year}-${month}-${day}${between}${hour}:${minute}${seconds}${zone}`;
  });

describe("times as text", () => {
  test("the parser reads exactly what its slow reference reads", () => {
    check(
      fc.property(texts, (text) => {
        const expected = slowTime(text);
        expect(parseTime(text, null), text).toBe(expected === null ? null : Number(expected));
      }),
    );
  });

  test("a text with one character changed, added or dropped is read as the reference reads", () => {
    check(
      fc.property(
        texts,
        fc.nat(40),
        fc.string({ minLength: 0, maxLength: 1 }),
        fc.nat(1),
        (text, at, put, drop) => {
          const changed = text.slice(0, at) + put + text.slice(at + drop);
          const expected = slowTime(changed);
          expect(parseTime(changed, null), changed).toBe(
            expected === null ? null : Number(expected),
          );
        },
      ),
    );
  });

  test("every time in range is printed with six digits and read back", () => {
    check(
      fc.property(
        fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -1e15, max: 2e15 })),
        (micros) => {
          const text = formatTime(micros);
          expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
          expect(parseTime(text, null)).toBe(micros);
          if (micros % 1000 === 0)
            expect(text).toBe(new Date(micros / 1000).toISOString().replace("Z", "000Z"));
        },
      ),
    );
  });

  test("the edges of the range are 2^53 µs, both out", () => {
    expect(formatTime(2 ** 53 - 1)).toBe("2255-06-05T23:47:34.740991Z");
    expect(parseTime("2255-06-05T23:47:34.740991Z", null)).toBe(2 ** 53 - 1);
    expect(parseTime("2255-06-05T23:47:34.740992Z", null)).toBeNull();
    expect(parseTime("1684-07-28T00:12:25.259009Z", null)).toBe(-(2 ** 53) + 1);
    expect(parseTime("1684-07-28T00:12:25.259008Z", null)).toBeNull();
    expect(parseTime("2255-06-06T00:47:34.740991+01", null)).toBe(2 ** 53 - 1);
  });

  test("30 February, 29 February 1900, hour 24, second 60 and year 0000 are unreadable", () => {
    for (const text of [
      "2025-02-30T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2025-03-01T24:00:00Z",
      "2016-12-31T23:59:60Z",
      "0000-01-01T00:00:00Z",
    ])
      expect(parseTime(text, "UTC"), text).toBeNull();
    expect(parseTime("2000-02-29T00:00Z", null)).toBe(951_782_400_000_000);
  });

  test("digits beyond six are floored, before 1970 too", () => {
    expect(parseTime("1969-12-31 23:59:59.999999999Z", null)).toBe(-1);
    expect(parseTime("1969-12-31 23:59:59.000000999Z", null)).toBe(-1_000_000);
    expect(parseTime("1970-01-01 00:00:00.000000999Z", null)).toBe(0);
  });

  test("a text without a zone needs a declared one", () => {
    expect(parseTime("2025-03-01 09:15:00", null)).toBeNull();
    expect(parseTime("2025-03-01 09:15:00", "UTC")).toBe(Date.UTC(2025, 2, 1, 9, 15) * 1000);
    expect(parseTime("2025-03-01 09:15:00+07", "America/New_York")).toBe(
      Date.UTC(2025, 2, 1, 2, 15) * 1000,
    );
  });

  test("forms that ISO 8601, RFC 3339 and PostgreSQL write are read", () => {
    const instant = Date.UTC(2025, 5, 8, 12) * 1000;
    for (const text of [
      "2025-06-08T12:00:00Z",
      "2025-06-08t12:00:00z",
      "2025-06-08 14:00:00+0200",
      "2025-06-08 14:00:00 +0200",
      "2025-06-08 14:00:00+02",
      "2025-06-08 14:00+02:00",
      "2025-06-08 14:00:00+02:00:00",
      "2025-06-08 12:00:00 UTC",
      "2025-06-08 12:00:00,000Z",
      " 2025-06-08T12:00Z\r",
    ])
      expect(parseTime(text, null), text).toBe(instant);
    expect(parseTime("1890-01-01 00:53:28+00:53:28", null)).toBe(Date.UTC(1890, 0, 1) * 1000);
  });

  test("an instant beyond the range keeps its digits as text", () => {
    expect(instantText("9999-12-31 23:59:59.999999", "UTC")).toBe("9999-12-31T23:59:59.999999Z");
    expect(instantText("9999-12-31 00:00", "Asia/Tokyo")).toBe("9999-12-30T15:00:00.000000Z");
    expect(instantText("0001-01-01 00:00:00+00", null)).toBe("0001-01-01T00:00:00.000000Z");
    expect(instantText("2025-10-26 02:30", "Europe/Berlin")).toBe("2025-10-26T00:30:00.000000Z");
    expect(instantText("2025-02-30 02:30", "Europe/Berlin")).toBeNull();
  });

  test("an instant is written by the clocks of a zone if they show it once, or first", () => {
    const berlin = (text: string): string | null => localClockText(text, "Europe/Berlin");
    expect(berlin("2025-10-26T00:30:00Z")).toBe("2025-10-26T02:30:00.000000");
    expect(berlin("2025-10-26T01:30:00Z")).toBeNull();
    expect(berlin("2025-10-26T02:00:00+01:00")).toBeNull();
    expect(berlin("9999-12-31T00:00:00.000001Z")).toBe("9999-12-31T01:00:00.000001");
    expect(localClockText("2025-10-26 02:00+02", "UTC")).toBe("2025-10-26T00:00:00.000000");
    expect(berlin("2025-10-26 02:30")).toBeNull();
  });

  test("no other form is read", () => {
    for (const text of [
      "",
      "not a time",
      "2025-03-01",
      "2025-3-1 00:00",
      "2025-03-01T00",
      "2025-03-01T00:00:00.Z",
      "2025-03-01T00:00:00.1234567890Z",
      "2025-03-01T00:00.5Z",
      "2025-03-01T00:00 CET",
      "2025-03-01T00:00 Europe/Berlin",
      "2025-03-01T00:00+7",
      "2025-03-01T00:00+24:00",
      "01/03/2025 00:00",
      "20250301T000000Z",
      "2025-03-01  00:00Z",
      "+02025-03-01T00:00Z",
      "2025-03-01T00:00:00Z[UTC]",
      "２025-03-01T00:00Z",
      "1740820500",
      "infinity",
    ])
      expect(parseTime(text, "UTC"), text).toBeNull();
  });
});

describe("zones", () => {
  const at = (text: string, zone: string): string | null => {
    const micros = parseTime(text, zone);
    return micros === null ? null : formatTime(micros);
  };

  test("a skipped time moves by the gap, and a time that comes twice is its first", () => {
    expect(at("2025-03-09 01:59:59.999999", "America/New_York")).toBe(
      "2025-03-09T06:59:59.999999Z",
    );
    expect(at("2025-03-09 02:00:00", "America/New_York")).toBe("2025-03-09T07:00:00.000000Z");
    expect(at("2025-03-09 02:30:00", "America/New_York")).toBe("2025-03-09T07:30:00.000000Z");
    expect(at("2025-03-09 03:00:00", "America/New_York")).toBe("2025-03-09T07:00:00.000000Z");
    expect(at("2025-11-02 00:59:59", "America/New_York")).toBe("2025-11-02T04:59:59.000000Z");
    expect(at("2025-11-02 01:30:00", "America/New_York")).toBe("2025-11-02T05:30:00.000000Z");
    expect(at("2025-11-02 02:00:00", "America/New_York")).toBe("2025-11-02T07:00:00.000000Z");
  });

  test("half-hour changes, the sixties, a zone without changes, a skipped day", () => {
    expect(at("2025-10-05 02:15:00", "Australia/Lord_Howe")).toBe("2025-10-04T15:45:00.000000Z");
    expect(at("2025-04-06 01:45:00", "Australia/Lord_Howe")).toBe("2025-04-05T14:45:00.000000Z");
    expect(at("1968-07-01 12:00", "Europe/London")).toBe("1968-07-01T11:00:00.000000Z");
    expect(at("1969-12-31 23:59:59.999999", "Europe/London")).toBe("1969-12-31T22:59:59.999999Z");
    expect(at("1960-01-01 00:00", "Europe/London")).toBe("1960-01-01T00:00:00.000000Z");
    expect(at("2025-03-04 05:06:07.123456", "Asia/Ho_Chi_Minh")).toBe(
      "2025-03-03T22:06:07.123456Z",
    );
    expect(at("2011-12-30 12:00", "Pacific/Apia")).toBe("2011-12-30T22:00:00.000000Z");
    expect(at("1880-01-01 00:00", "America/New_York")).toBe("1880-01-01T04:56:02.000000Z");
  });

  test("a zone agrees with a search over all its offsets", () => {
    const names = [
      "America/New_York",
      "Europe/London",
      "Asia/Ho_Chi_Minh",
      "Australia/Lord_Howe",
      "Africa/Casablanca",
      "America/Sao_Paulo",
      "Asia/Kathmandu",
      "Pacific/Apia",
      "Etc/UTC",
    ];
    const formats = new Map(
      names.map((name) => [
        name,
        new Intl.DateTimeFormat("sv-SE", {
          timeZone: name,
          year: "numeric",
          month: "2-digit",
          day: "2-digit",
          hour: "2-digit",
          minute: "2-digit",
          second: "2-digit",
        }),
      ]),
    );
    const changes = [
      Date.UTC(2025, 2, 9, 2),
      Date.UTC(2025, 10, 2, 1),
      Date.UTC(2025, 2, 30, 1),
      Date.UTC(2025, 9, 26, 1),
      Date.UTC(2025, 9, 5, 2),
      Date.UTC(2025, 3, 6, 2),
      Date.UTC(2011, 11, 30),
      Date.UTC(2025, 1, 23, 3),
      Date.UTC(2025, 3, 6, 2),
      Date.UTC(2018, 10, 4),
      Date.UTC(1955, 6, 1),
    ];
    const locals = fc.oneof(
      fc
        .tuple(pick(...changes), fc.integer({ min: -180, max: 180 }))
        .map(([at, minutes]) => at + minutes * 60_000),
      fc
        .integer({ min: Date.UTC(1950, 0) / 60_000, max: Date.UTC(2040, 0) / 60_000 })
        .map((minutes) => minutes * 60_000),
    );
    fc.assert(
      fc.property(pick(...names), locals, (name, local) => {
        const clock = new Date(local).toISOString().slice(0, 19).replace("T", " ");
        const found: number[] = [];
        for (let offset = -15 * 4; offset <= 15 * 4; offset++)
          if (formats.get(name)!.format(local - offset * 900_000) === clock)
            found.push(local - offset * 900_000);
        const micros = parseTime(clock, name)!;
        if (found.length > 0) expect(micros, `${clock} ${name}`).toBe(Math.min(...found) * 1000);
        else
          expect(formats.get(name)!.format(micros / 1000) > clock, `${clock} ${name}`).toBe(true);
      }),
      { seed, numRuns: Math.min(runs, 1_000) },
    );
  });

  test("an unknown zone is an error that says what to declare", () => {
    expect(() => parseTime("2025-03-01 09:15:00", "Mars/Base")).toThrow(TidemarkError);
    expect(() => parseTime("2025-03-01 09:15:00", "Mars/Base")).toThrow(
      /Mars\/Base.*Europe\/Berlin/,
    );
  });
});

describe("dates", () => {
  test("every day is printed and read back", () => {
    check(
      fc.property(fc.integer({ min: -2_440_588, max: 2_145_031_949 }), (days) => {
        expect(parseDate(formatDate(days))).toBe(days);
      }),
    );
    check(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(formatDate(days)).toBe(new Date(days * 86_400_000).toISOString().slice(0, 10));
      }),
    );
  });

  test("30 February and other forms are unreadable, days before 1970 are negative", () => {
    expect(parseDate("1969-12-31")).toBe(-1);
    expect(formatDate(-1)).toBe("1969-12-31");
    for (const text of [
      "2025-02-30",
      "2025-2-3",
      "20250203",
      "2025-13-01",
      "0000-01-01",
      "",
      "infinity",
    ])
      expect(parseDate(text), text).toBeNull();
  });
});
