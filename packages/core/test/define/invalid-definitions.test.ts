/**
 * What the compiler refuses, refused again when it runs, for JavaScript and for definitions made
 * from data; and what only running can tell.
 */
import { isTidemarkError } from "@tidemark/core";
import { expect, test } from "vitest";
import { js, made, type Untyped } from "./support/untyped.ts";

const {
  user,
  account,
  transactions: t,
  transfers,
  customers,
  weekly,
  accounts,
} = made as Record<string, Untyped>;
const {
  string,
  int64,
  int32,
  float64,
  decimal,
  timestamp,
  json,
  count,
  sum,
  avg,
  max,
  latest,
  eq,
  and,
  source,
  entity,
  featureView,
  featureService,
} = js as Record<string, Untyped>;

const columns = (): object => ({
  id: int64!(),
  maybe: int64!().nullable!(),
  text: string!(),
  ratio: float64!(),
  doc: json!(),
  time: timestamp!(),
});
const made1 = (more: object): Untyped =>
  source!("s", {
    table: "public.s",
    columns: columns(),
    primaryKey: ["id"],
    eventTime: "time",
    ...more,
  });
const view = (features: unknown, more: object = {}): Untyped =>
  featureView!("v", { entity: user, source: t, features, ...more });

const refusals: readonly (readonly [
  name: string,
  code: string,
  says: string,
  call: () => unknown,
])[] = [
  // columns
  [
    "a decimal of no digits",
    "DEFINITION_INVALID",
    "decimal column: precision must be a whole number from 1 to 38, got 0",
    () => decimal!({ precision: 0, scale: 0 }),
  ],
  [
    "a decimal of 39 digits",
    "DEFINITION_INVALID",
    "precision must be a whole number from 1 to 38, got 39",
    () => decimal!({ precision: 39, scale: 0 }),
  ],
  [
    "a decimal without options",
    "DEFINITION_INVALID",
    "precision must be a whole number from 1 to 38, got undefined",
    () => decimal!("fee"),
  ],
  [
    "a decimal with more fraction than digits",
    "DEFINITION_INVALID",
    "scale must be a whole number from 0 to the precision 5, got 6",
    () => decimal!({ precision: 5, scale: 6 }),
  ],
  [
    "a decimal with half a digit",
    "DEFINITION_INVALID",
    "scale must be a whole number from 0 to the precision 5, got 0.5",
    () => decimal!({ precision: 5, scale: 0.5 }),
  ],
  [
    "a zone nobody knows",
    "DEFINITION_INVALID",
    'zone "Europe/Zuerich" is unknown; name one of the IANA list',
    () => timestamp!("t", { zone: "Europe/Zuerich" }),
  ],
  [
    "an offset for a zone",
    "DEFINITION_INVALID",
    'zone "+01:00" is unknown',
    () => timestamp!("t", { zone: "+01:00" }),
  ],
  [
    "a timestamp in an unknown mode",
    "DEFINITION_INVALID",
    'mode must be "micros" or left out, got "millis"',
    () => timestamp!({ mode: "millis" }),
  ],
  [
    "an int64 in an unknown mode",
    "DEFINITION_INVALID",
    'mode must be "number" or left out',
    () => int64!("id", { mode: "bigint" }),
  ],
  [
    "options a column does not have",
    "DEFINITION_INVALID",
    'string column: there is no option "mode"',
    () => string!("a", { mode: "number" }),
  ],
  [
    "options before the name",
    "DEFINITION_INVALID",
    "give the name in the database first and the options second",
    () => int64!({ mode: "number" }, "id"),
  ],
  [
    "a database name that is no text",
    "DEFINITION_INVALID",
    "the name in the database must be a text, got 7",
    () => string!(7),
  ],
  // entities
  [
    "an entity with a space in its name",
    "NAME_INVALID",
    'entity "my user": this is no name; begin with a letter',
    () => entity!("my user", { keys: { id: string!() } }),
  ],
  [
    "an entity without a name",
    "NAME_INVALID",
    "this is no name",
    () => entity!(undefined, { keys: { id: string!() } }),
  ],
  [
    "an entity without keys",
    "DEFINITION_INVALID",
    'entity "e": keys is empty; list at least one',
    () => entity!("e", { keys: {} }),
  ],
  [
    "a key that may be null",
    "DEFINITION_INVALID",
    'key "id" is nullable, and a key is never null; drop .nullable()',
    () => entity!("e", { keys: { id: string!().nullable!() } }),
  ],
  [
    "a key of floats",
    "DEFINITION_INVALID",
    'key "id" is a float64 column, which cannot be compared exactly',
    () => entity!("e", { keys: { id: float64!() } }),
  ],
  [
    "a key of json",
    "DEFINITION_INVALID",
    'key "id" is a json column',
    () => entity!("e", { keys: { id: json!() } }),
  ],
  [
    "a key called event_timestamp",
    "NAME_INVALID",
    "a key cannot be called event_timestamp",
    () => entity!("e", { keys: { event_timestamp: timestamp!() } }),
  ],
  [
    "a key that is no column type",
    "DEFINITION_INVALID",
    'entity "e": keys.id must be a column type such as string() or int64("id"), got "string"',
    () => entity!("e", { keys: { id: "string" } }),
  ],
  [
    "a key that is a function",
    "DEFINITION_INVALID",
    'keys.id must be a column type such as string() or int64("id"), got a function',
    () => entity!("e", { keys: { id: string } }),
  ],
  // sources
  [
    "a source without options",
    "DEFINITION_INVALID",
    'source "s": the definition must be an object, got undefined',
    () => source!("s"),
  ],
  [
    "a source without a table",
    "DEFINITION_INVALID",
    'name its table, as in table: "public.transaction_data"',
    () => made1({ table: undefined }),
  ],
  [
    "a source without a primary key",
    "PRIMARY_KEY_MISSING",
    'source "s": say which columns are its primary key, as in primaryKey: ["id"]',
    () => made1({ primaryKey: undefined }),
  ],
  [
    "an empty primary key",
    "PRIMARY_KEY_MISSING",
    "say which columns are its primary key",
    () => made1({ primaryKey: [] }),
  ],
  [
    "a primary key that is no column",
    "COLUMN_UNKNOWN",
    'primaryKey names "key", which is no column of it; it has id, maybe, text, ratio, doc, time',
    () => made1({ primaryKey: ["key"] }),
  ],
  [
    "a primary key that lists a column twice",
    "NAME_TAKEN",
    'primaryKey lists "id" twice',
    () => made1({ primaryKey: ["id", "text", "id"] }),
  ],
  [
    "a primary key that may be null",
    "DEFINITION_INVALID",
    'primary key column "maybe" is nullable',
    () => made1({ primaryKey: ["maybe"] }),
  ],
  [
    "a primary key of floats",
    "DEFINITION_INVALID",
    'primary key column "ratio" is a float64 column',
    () => made1({ primaryKey: ["ratio"] }),
  ],
  [
    "a primary key of json",
    "DEFINITION_INVALID",
    'primary key column "doc" is a json column',
    () => made1({ primaryKey: ["doc"] }),
  ],
  [
    "no event time",
    "DEFINITION_INVALID",
    'say when its rows happened, as in eventTime: "time", or eventTime: commitTime() for a ' +
      "dimension",
    () => made1({ eventTime: undefined }),
  ],
  [
    "an event time that is no column",
    "COLUMN_UNKNOWN",
    'eventTime names "tiem", which is no column of it',
    () => made1({ eventTime: "tiem" }),
  ],
  [
    "an event time that is no timestamp",
    "DEFINITION_INVALID",
    'eventTime names "text", which is string; name a timestamp column',
    () => made1({ eventTime: "text" }),
  ],
  [
    "an event time of Object.prototype",
    "COLUMN_UNKNOWN",
    'eventTime names "constructor"',
    () => made1({ eventTime: "constructor" }),
  ],
  [
    "committed since no column",
    "COLUMN_UNKNOWN",
    'commitTime({ since }) names "born", which is no column of it',
    () => made1({ eventTime: js.commitTime!({ since: "born" }) }),
  ],
  [
    "committed since no timestamp",
    "DEFINITION_INVALID",
    'commitTime({ since }) names "text", which is string',
    () => made1({ eventTime: js.commitTime!({ since: "text" }) }),
  ],
  [
    "committed since a column object",
    "DEFINITION_INVALID",
    "since must be the name of a timestamp column of the same source, got column customers.created",
    () => js.commitTime!({ since: customers!.created }),
  ],
  [
    "a created column that is missing",
    "COLUMN_UNKNOWN",
    'createdAt names "made"',
    () => made1({ createdAt: "made" }),
  ],
  [
    "a created column that is no timestamp",
    "DEFINITION_INVALID",
    'createdAt names "id", which is int64; name a timestamp column',
    () => made1({ createdAt: "id" }),
  ],
  [
    "a misspelt option",
    "DEFINITION_INVALID",
    'there is no option "primarykey"; the options are table, columns, primaryKey, eventTime, ' +
      "createdAt",
    () => made1({ primarykey: ["id"] }),
  ],
  [
    "a column called __proto__",
    "NAME_INVALID",
    "columns must be a plain object, and no member of it can be called __proto__",
    () => made1({ columns: { __proto__: int64!(), id: int64!(), time: timestamp!() } }),
  ],
  [
    "a column really called __proto__",
    "NAME_INVALID",
    '"__proto__" is no name for a column',
    () => made1({ columns: { ...columns(), ["__proto__"]: string!() } }),
  ],
  [
    "a column with a space",
    "NAME_INVALID",
    '"User ID" is no name for a column in TypeScript; use letters, digits and _, and give the ' +
      'name in the database to the column type, as in string("User ID")',
    () => made1({ columns: { ...columns(), "User ID": string!() } }),
  ],
  [
    "two columns that differ in case",
    "NAME_TAKEN",
    'columns "text" and "Text" differ only in case',
    () => made1({ columns: { ...columns(), Text: string!() } }),
  ],
  [
    "two columns that read one",
    "NAME_TAKEN",
    '"text" and "note" both read the database column "text"',
    () => made1({ columns: { ...columns(), note: string!("text") } }),
  ],
  // aggregations
  [
    "sum of a string",
    "TYPE_MISMATCH",
    "sum(transactions.vendor): vendor is a string column; this aggregation takes int32, " +
      "int64, float64 or decimal",
    () => sum!(t!.vendor),
  ],
  [
    "avg of a timestamp",
    "TYPE_MISMATCH",
    "avg(transactions.time): time is a timestamp column",
    () => avg!(t!.time),
  ],
  [
    "max of json",
    "TYPE_MISMATCH",
    "max(transactions.extra): extra is a json column, and its values have no order",
    () => max!(t!.extra),
  ],
  [
    "sum of nothing",
    "DEFINITION_INVALID",
    "sum(): it takes a column of a source, as in sum(transactions.amount), got undefined",
    () => sum!(),
  ],
  [
    "sum of an unknown column",
    "DEFINITION_INVALID",
    "sum(): it takes a column of a source",
    () => sum!(t!.amuont),
  ],
  ["a column by its name", "DEFINITION_INVALID", 'got "amount"', () => sum!("amount")],
  ...(
    ["7", "7y", "0d", "-7d", "07d", "1.5h", "1e3d", "0x10d", " 7d", "7 d", "7D", "", "7d "] as const
  ).map(
    (text) =>
      [
        `a window of ${JSON.stringify(text)}`,
        "DURATION_INVALID",
        `count(): ${JSON.stringify(text)} is not a duration; write a whole number above zero ` +
          `and s, m, h, d or w, as in "7d"`,
        () => count!().over!(text),
      ] as const,
  ),
  [
    "a window as a number",
    "DURATION_INVALID",
    "count(): 7 is not a duration",
    () => count!().over!(7),
  ],
  [
    "a window beyond what is exact",
    "DURATION_INVALID",
    '"100001d" is longer than the longest duration, 100000d',
    () => count!().over!("100001d"),
  ],
  [
    "a window twice",
    "NAME_TAKEN",
    '"1h" is listed twice in overEach',
    () => count!().overEach!("1h", "1d", "1h"),
  ],
  [
    "no window",
    "DURATION_INVALID",
    'say which windows, as in .overEach("1h", "1d")',
    () => count!().overEach!(),
  ],
  [
    "a second window",
    "DEFINITION_INVALID",
    "it has its window already",
    () => count!().over!("7d").over!("1d"),
  ],
  [
    "a window for latest",
    "DEFINITION_INVALID",
    "latest(transactions.vendor): it takes no window; bound it with the view's ttl",
    () => latest!(t!.vendor).over!("7d"),
  ],
  [
    "a condition for latest",
    "DEFINITION_INVALID",
    "the latest row is the newest one, whatever is in it; it takes no condition",
    () => latest!(t!.vendor).where!(eq!(t!.vendor, "x")),
  ],
  [
    "a closure for a condition",
    "DEFINITION_INVALID",
    'it takes a condition such as eq(transactions.vendor, "Hospital"), got a function; a ' +
      "closure cannot be stored or run elsewhere",
    () => count!().where!(() => true),
  ],
  [
    "two conditions",
    "DEFINITION_INVALID",
    "it has its condition already; join them with and(...)",
    () => count!().where!(eq!(t!.vendor, "x")).where!(eq!(t!.vendor, "y")),
  ],
  [
    "a condition on another source",
    "COLUMN_OF_ANOTHER_SOURCE",
    'the condition is about source "transfers", the aggregation about "transactions"',
    () => sum!(t!.amount).where!(eq!(transfers!.sender_id, "x")),
  ],
  [
    "a default of count",
    "DEFINITION_INVALID",
    "count(): it is never null, so it takes no default",
    () => count!().default!(0),
  ],
  [
    "a default of sum",
    "DEFINITION_INVALID",
    "it is never null, so it takes no default",
    () => sum!(t!.amount).default!(0),
  ],
  [
    "a default of another type",
    "VALUE_INVALID",
    'avg(transactions.amount).default(): "none" is not a float64',
    () => avg!(t!.amount).default!("none"),
  ],
  [
    "a default of NaN",
    "VALUE_INVALID",
    "avg(transactions.amount).default(): NaN is not a float64 (a finite number)",
    () => avg!(t!.amount).default!(Number.NaN),
  ],
  [
    "a default of null",
    "VALUE_INVALID",
    "max(transactions.amount).default(): null is not allowed here",
    () => max!(t!.amount).default!(null),
  ],
  [
    "a default with too many digits",
    "VALUE_INVALID",
    'is not a decimal(10, 2) (a string such as "12.50", with no more digits than these)',
    () => max!(t!.fee).default!("1.234"),
  ],
  // conditions
  [
    "a comparison with another type",
    "VALUE_INVALID",
    "eq(transactions.vendor): 7 is not a string",
    () => eq!(t!.vendor, 7),
  ],
  [
    "a comparison with null",
    "VALUE_INVALID",
    "comparing with null is true for no row; use isNull or isNotNull",
    () => eq!(t!.vendor, null),
  ],
  [
    "a comparison with nothing",
    "VALUE_INVALID",
    "comparing with undefined is true for no row",
    () => js.gt!(t!.vendor),
  ],
  [
    "a comparison of json",
    "TYPE_MISMATCH",
    "eq(transactions.extra): a json column has no order; it can only be isNull or isNotNull",
    () => eq!(t!.extra, {}),
  ],
  [
    "a bare number for a time",
    "VALUE_INVALID",
    "gt(transactions.time): the bare number 5 has no unit; write micros(n), a Date or an ISO " +
      "string with a zone",
    () => js.gt!(t!.time, 5),
  ],
  [
    "a time without a zone",
    "VALUE_INVALID",
    '"2026-01-01T00:00:00" is not a time with a zone',
    () => js.gt!(t!.time, "2026-01-01T00:00:00"),
  ],
  [
    "a day that is none",
    "VALUE_INVALID",
    'eq(transactions.day): "2026-02-30" is not a date',
    () => eq!(t!.day, "2026-02-30"),
  ],
  [
    "an empty list",
    "DEFINITION_INVALID",
    "inList(transactions.vendor): list at least one value",
    () => js.inList!(t!.vendor, []),
  ],
  [
    "a list with a null",
    "VALUE_INVALID",
    "comparing with null is true for no row",
    () => js.inList!(t!.vendor, ["a", null]),
  ],
  [
    "conditions on two sources",
    "COLUMN_OF_ANOTHER_SOURCE",
    'and(): one condition is about source "transactions", another about "transfers"',
    () => and!(eq!(t!.vendor, "a"), eq!(transfers!.sender_id, "b")),
  ],
  ["no condition", "DEFINITION_INVALID", "or(): give at least one condition", () => js.or!()],
  [
    "a boolean for a condition",
    "DEFINITION_INVALID",
    'not(): it takes conditions such as eq(transactions.vendor, "Hospital"), got true',
    () => js.not!(true),
  ],
  // views
  [
    "a view without features",
    "DEFINITION_INVALID",
    'feature view "v": features is empty',
    () => view({}),
  ],
  [
    "a view of another entity",
    "DEFINITION_INVALID",
    'entity must be an entity(...), got source "transactions"',
    () => featureView!("v", { entity: t, source: t, features: { n: count!().over!("1d") } }),
  ],
  [
    "a view of no source",
    "DEFINITION_INVALID",
    "source must be a source(...), got undefined",
    () => featureView!("v", { entity: user, features: { n: count!().over!("1d") } }),
  ],
  [
    "an aggregation without a window",
    "DEFINITION_INVALID",
    'feature view "v": feature "n": say over which window, as in .over("7d")',
    () => view({ n: count!() }),
  ],
  [
    "a feature that is a column",
    "DEFINITION_INVALID",
    'feature "n" must be an aggregation, as in count().over("7d"), got column transactions.amount',
    () => view({ n: t!.amount }),
  ],
  [
    "a column of another source",
    "COLUMN_OF_ANOTHER_SOURCE",
    'feature "n": transfers.amount is a column of source "transfers", the view reads ' +
      '"transactions"',
    () => view({ n: sum!(transfers!.amount).over!("1d") }),
  ],
  [
    "a condition on another source than the view's",
    "COLUMN_OF_ANOTHER_SOURCE",
    'transfers.sender_id is a column of source "transfers"',
    () => view({ n: count!().where!(eq!(transfers!.sender_id, "a")).over!("1d") }),
  ],
  [
    "a column of another source of that name",
    "COLUMN_OF_ANOTHER_SOURCE",
    'is a column of another source that is called "transactions" too',
    () => {
      const twin = source!("transactions", {
        table: "x",
        columns: { id: int64!(), amount: float64!("other"), at: timestamp!() },
        primaryKey: ["id"],
        eventTime: "at",
      });
      return view({ n: sum!(twin.amount).over!("1d") });
    },
  ],
  ...(["event_timestamp", "7d", "a b", "a-b", "a.b", "größe", ""] as const).map(
    (name) =>
      [
        `a feature called ${JSON.stringify(name)}`,
        "NAME_INVALID",
        `feature view "v": ${JSON.stringify(name)} is no name for a feature`,
        () => view({ [name]: count!().over!("1d") }),
      ] as const,
  ),
  [
    "a feature called __proto__",
    "NAME_INVALID",
    "features must be a plain object, and no member of it can be called __proto__",
    () => view({ __proto__: count!().over!("1d") }),
  ],
  [
    "a feature really called __proto__",
    "NAME_INVALID",
    '"__proto__" is no name for a feature',
    () => view({ ["__proto__"]: count!().over!("1d") }),
  ],
  [
    "a feature called like a key",
    "NAME_TAKEN",
    '"user_id" is a key of the entity',
    () => view({ user_id: count!().over!("1d") }),
  ],
  [
    "two features of one name",
    "NAME_TAKEN",
    'feature "a": count() would be called "a_1h", and there is a feature of that name',
    () => view({ a_1h: count!().over!("1h"), a: count!().overEach!("1h", "1d") }),
  ],
  [
    "windows and latest features in one view",
    "DEFINITION_INVALID",
    '"n" is over a window and "c" is a latest feature; put them into two views',
    () => view({ n: count!().over!("1d"), c: latest!(t!.vendor) }),
  ],
  [
    "a window over a dimension",
    "DEFINITION_INVALID",
    'source "customers" is a dimension (eventTime: commitTime()), whose rows have no event ' +
      "time to lie in a window",
    () =>
      featureView!("v", { entity: user, source: customers, features: { n: count!().over!("1d") } }),
  ],
  [
    "a ttl for windows",
    "DEFINITION_INVALID",
    "ttl bounds latest features, and these have windows; drop it",
    () => view({ n: count!().over!("1d") }, { ttl: "1d" }),
  ],
  [
    "a ttl that is no duration",
    "DURATION_INVALID",
    'feature view "v": ttl: "1 week" is not a duration',
    () =>
      featureView!("v", {
        entity: user,
        source: customers,
        features: { c: latest!(customers!.city) },
        ttl: "1 week",
      }),
  ],
  [
    "a source without the entity's key",
    "COLUMN_UNKNOWN",
    'source "transfers" has no column "user_id", the key of entity "user"; map it, as in ' +
      "keys: { user_id: transfers.other }",
    () =>
      featureView!("v", { entity: user, source: transfers, features: { n: count!().over!("1d") } }),
  ],
  [
    "a key of another kind",
    "TYPE_MISMATCH",
    'transactions.user_id is string, the key "user_id" of entity "e" is int64; make them equal',
    () =>
      featureView!("v", {
        entity: entity!("e", { keys: { user_id: int64!() } }),
        source: t,
        features: { n: count!().over!("1d") },
      }),
  ],
  [
    "a decimal key of another scale",
    "TYPE_MISMATCH",
    'transactions.fee is decimal with 2 fraction digits, the key "fee" of entity "e" is ' +
      "decimal with 3 fraction digits",
    () =>
      featureView!("v", {
        entity: entity!("e", { keys: { fee: decimal!({ precision: 10, scale: 3 }) } }),
        source: t,
        features: { n: count!().over!("1d") },
      }),
  ],
  [
    "a mapped key of another kind",
    "TYPE_MISMATCH",
    'transfers.branch is int32, the key "user_id" of entity "user" is string',
    () =>
      featureView!("v", {
        entity: user,
        source: transfers,
        keys: { user_id: transfers!.branch },
        features: { n: count!().over!("1d") },
      }),
  ],
  [
    "a mapped key of another source",
    "COLUMN_OF_ANOTHER_SOURCE",
    'keys.user_id: transactions.user_id is a column of source "transactions", the view reads ' +
      '"transfers"',
    () =>
      featureView!("v", {
        entity: user,
        source: transfers,
        keys: { user_id: t!.user_id },
        features: { n: count!().over!("1d") },
      }),
  ],
  [
    "a mapped key the entity lacks",
    "KEY_UNKNOWN",
    'keys names "other", and entity "user" has no such key; it has user_id',
    () => view({ n: count!().over!("1d") }, { keys: { other: t!.user_id } }),
  ],
  [
    "a mapped key by its name",
    "DEFINITION_INVALID",
    'keys.user_id must be a column of the source, got "sender_id"',
    () =>
      featureView!("v", {
        entity: user,
        source: transfers,
        keys: { user_id: "sender_id" },
        features: { n: count!().over!("1d") },
      }),
  ],
  // services and selections
  [
    "a service of an unknown feature",
    "SELECTION_INVALID",
    'feature service "s": undefined is no feature, view or service',
    () => featureService!("s", [weekly!.nmu]),
  ],
  [
    "a service of nothing",
    "DEFINITION_INVALID",
    'feature service "s": the list is empty',
    () => featureService!("s", []),
  ],
  [
    "two features of one name in a service",
    "NAME_TAKEN",
    'feature service "s": "total" is both weekly.total and accounts.total; rename one with ' +
      '.as("other")',
    () => featureService!("s", [weekly, accounts!.total]),
  ],
  [
    "one feature twice in a service",
    "NAME_TAKEN",
    '"num" is both weekly.num and weekly.num',
    () => featureService!("s", [weekly!.num, weekly]),
  ],
  [
    "an alias that is a key",
    "NAME_TAKEN",
    '"user_id" is a key of the entity',
    () => weekly!.num!.as!("user_id"),
  ],
  [
    "an alias that is no name",
    "NAME_INVALID",
    '"a b" is no name for a feature',
    () => weekly!.num!.as!("a b"),
  ],
  [
    "a feature called like the key of another view",
    "NAME_TAKEN",
    'weekly.num would be answered as "account_id", which is a key; rename it',
    () => js.selectedFeatures!([weekly!.num!.as!("account_id"), accounts!.total]),
  ],
  [
    "one key asked as two kinds",
    "TYPE_MISMATCH",
    'key "account_id" is int64 in view "accounts" and int32 in view "v"; ask for them apart',
    () => {
      const other = source!("o", {
        table: "o",
        columns: { account_id: int32!(), at: timestamp!() },
        primaryKey: ["account_id"],
        eventTime: "at",
      });
      return js.selectedFeatures!([
        accounts!.total,
        featureView!("v", {
          entity: entity!("e", { keys: { account_id: int32!() } }),
          source: other,
          features: { n: count!().over!("1d") },
        }),
      ]);
    },
  ],
  [
    "a column asked for",
    "SELECTION_INVALID",
    "the features: column transactions.amount is no feature, view or service",
    () => js.selectedFeatures!(t!.amount),
  ],
  // the rest
  [
    "micros of a fraction",
    "TIME_INVALID",
    "micros: 1.5 is not a whole number of microseconds",
    () => js.micros!(1.5),
  ],
  [
    "micros of text",
    "TIME_INVALID",
    'micros: it takes a bigint or a whole number, got "5"',
    () => js.micros!("5"),
  ],
  [
    "micros beyond 2^53",
    "TIME_INVALID",
    "is not a whole number of microseconds between -2^53 and 2^53",
    () => js.micros!(2n ** 53n),
  ],
  [
    "a spec of another kind",
    "DEFINITION_INVALID",
    'entity "account" is no source; give one as your definitions export it',
    () => js.specOfSource!(account),
  ],
  [
    "definitions that are none",
    "DEFINITION_INVALID",
    "the definitions must be a module or an object of definitions",
    () => js.collectDefinitions!(weekly),
  ],
];

test.each(refusals)("%s is refused when it runs", (_, code, says, call) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(isTidemarkError(thrown), String(thrown)).toBe(true);
  expect(thrown).toMatchObject({ code });
  expect((thrown as Error).message).toContain(says);
});
