/** Types of columns whose texts are known. */
import {
  caseWhen,
  count,
  entity,
  eq,
  featureView,
  histogram,
  inList,
  lastN,
  latest,
  mode,
  oneOf,
  int64,
  source,
  string,
  timestamp,
  when,
  type ColumnType,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    time: timestamp(),
    channel: oneOf(["web", "app"]),
    status: oneOf(["approved", "declined"], "Status").nullable(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

test("answers have the union of the values as their type", () => {
  const view = featureView("v", {
    entity: user,
    source: payments,
    features: {
      channel: mode(payments.channel).over("7d"),
      last: lastN(payments.status, 3).over("7d"),
      counts: histogram(payments.channel).over("7d"),
      web: count().where(eq(payments.channel, "web")).over("7d"),
      known: count()
        .where(inList(payments.status, ["approved"]))
        .over("7d"),
      kind: mode(caseWhen([when(eq(payments.channel, "web"), "remote")], "other")).over("7d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    channel: "web" | "app" | null;
    last: readonly ("approved" | "declined")[];
    counts: ReadonlyMap<"web" | "app", number>;
    web: number;
    known: number;
    kind: "remote" | "other" | null;
  }>();
  const fact = featureView("f", {
    entity: user,
    source: payments,
    features: { status: latest(payments.status) },
  });
  expectTypeOf<RowOf<typeof fact>>().toEqualTypeOf<{ status: "approved" | "declined" | null }>();
  expectTypeOf(oneOf(["a"])).toEqualTypeOf<ColumnType<"string", "a">>();
});

test("what it refuses", () => {
  // @ts-expect-error -- there must be a value
  oneOf([]);
  // @ts-expect-error -- the values are texts
  oneOf([1, 2]);
  // @ts-expect-error -- "webb" is none of the values
  eq(payments.channel, "webb");
  // @ts-expect-error -- "apps" is none of the values
  inList(payments.channel, ["web", "apps"]);
});
