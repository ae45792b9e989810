/** `matches` stands where a condition can: in `where`, columns, derived features and `expect`. */
import {
  caseWhen,
  count,
  derivedSource,
  derivedView,
  entity,
  featureView,
  holds,
  int64,
  last,
  matches,
  source,
  string,
  timestamp,
  toSql,
  when,
} from "@tidemark/core";
import { mockStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: int64({ mode: "number" }) } });
const orders = source("orders", {
  table: "public.orders",
  columns: {
    id: int64({ mode: "number" }),
    user_id: int64({ mode: "number" }),
    zip: string().nullable(),
    time: timestamp({ zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
  expect: (row) => ({
    known: holds(matches(row.zip, "[A-Z]{2}-\\d{4,5}|\\?"), { onViolation: "quarantine" }),
  }),
});
const placed = derivedSource("placed", {
  from: orders,
  columns: { country: caseWhen([when(matches(orders.zip, "CH-.*"), "home")], "abroad") },
});
const spending = featureView("spending", {
  entity: user,
  source: orders,
  features: {
    long_7d: count().where(matches(orders.zip, ".*-\\d{5}")).over("7d"),
    zip: last(orders.zip).over("7d"),
  },
});
const places = featureView("places", {
  entity: user,
  source: placed,
  features: { country: last(placed.country).over("7d") },
});
const signals = derivedView("signals", { features: { is_de: matches(spending.zip, "DE-\\d+") } });

test("the online store, the training set and the oracle answer alike", async () => {
  const store = mockStore({ user, orders, placed, spending, places, signals });
  store.put(
    orders,
    ["CH-8001", "DE-10115", "no zip", null, "?"].map((zip, i) => ({
      id: i,
      user_id: 1,
      zip,
      time: `2026-03-0${i + 1}T00:00:00Z`,
    })),
  );
  const ask = (asOf: string): Promise<unknown> =>
    store.ask(
      [spending.long_7d, spending.zip, places.country, signals.is_de],
      { user_id: 1 },
      { asOf },
    );
  expect(await ask("2026-03-01T12:00:00Z")).toEqual({
    long_7d: 0,
    zip: "CH-8001",
    country: "home",
    is_de: false,
  });
  // the row without a zip is in quarantine
  expect(await ask("2026-03-03T12:00:00Z")).toEqual({
    long_7d: 1,
    zip: "DE-10115",
    country: "abroad",
    is_de: true,
  });
  expect(await ask("2026-03-05T12:00:00Z")).toMatchObject({ zip: "?", is_de: false });
});

test("SQL has the whole pattern, spelled out", () => {
  expect(toSql(matches(orders.zip, "it's|\\d+(.x)?"))).toBe(
    `REGEXP_LIKE("zip", '\\A(?:it''s|[0-9]+(?:[^\\n\\r\u2028-\u2029]x)?)\\z')`,
  );
});

test("an error names the column, the place and the next step", () => {
  expect(() => matches(orders.zip, "CH-\\d+$")).toThrow(
    "matches(orders.zip): its pattern has an anchor ($) at character 7; leave it out, because " +
      "the whole text must match; write \\$ for the sign",
  );
  expect(() => matches(orders.zip, 1 as never)).toThrow("pattern is a text, got 1");
});
