/** Wrong calls, each with the line (`// !`) and the words with which the compiler refuses it. */
export interface Misuse {
  readonly name: string;
  readonly code: string;
  readonly says: string;
}

const verbs =
  "and, avg, boolean, bytes, commitTime, count, countDistinct, date, decimal, entity, eq, " +
  "featureService, featureView, float64, gt, inList, int32, int64, json, latest, lt, max, " +
  "micros, min, ne, not, or, pushSource, source, string, sum, timestamp";

/** A whole module. */
export function textOf(misuse: Misuse): string {
  return (
    `import { ${verbs} } from "@tidemark/core";\nimport { account, accounts, customers, logins, ` +
    "profile, pushes, store, transactions, transfers, user, weekly } from " +
    `"./bank.ts";\n${misuse.code}\nexport {};\n`
  );
}

/** A view over transactions with one feature. */
const view = (feature: string): string =>
  `featureView("v", {\n  entity: user,\n  source: transactions,\n  features: {\n    ` +
  `${feature}, // !\n  },\n});`;
const made = (members: string): string =>
  `source("s", {\n  table: "public.s",\n  columns: { id: int64(), maybe: int64().nullable(), ` +
  `text: string(), ratio: float64(), time: timestamp() },\n  ${members}\n});`;

export const misuses: readonly Misuse[] = [
  // aggregations
  {
    name: "sum of a string",
    code: `sum(transactions.vendor); // !`,
    says: "vendor is a string column: this aggregation takes int32, int64, float64 or decimal",
  },
  {
    name: "avg of a timestamp",
    code: `avg(transactions.time); // !`,
    says: "time is a timestamp column: this aggregation takes int32, int64, float64 or decimal",
  },
  {
    name: "min of json",
    code: `min(transactions.extra); // !`,
    says: "extra is a json column, and its values have no order",
  },
  {
    name: "countDistinct of json",
    code: `countDistinct(transactions.extra); // !`,
    says: "extra is a json column, and its values have no order",
  },
  {
    name: "an unknown column",
    code: `sum(transactions.amuont); // !`,
    says: "Property 'amuont' does not exist",
  },
  {
    name: "a window without a unit",
    code: `count().over("7"); // !`,
    says: "'7' is not a duration: write a whole number and s, m, h, d or w, as in '7d'",
  },
  {
    name: "a window of an unknown unit",
    code: `count().over("7y"); // !`,
    says: "'7y' is not a duration",
  },
  {
    name: "a window of part of a day",
    code: `count().over("0.5d"); // !`,
    says: "'0.5d' is no length of time",
  },
  {
    name: "a window of nothing",
    code: `count().over("0d"); // !`,
    says: "'0d' is no length of time: write a whole number above zero",
  },
  {
    name: "a negative window",
    code: `count().over("-7d"); // !`,
    says: "'-7d' is no length of time",
  },
  {
    name: "a bad window among several",
    code: `count().overEach("1h", "1day"); // !`,
    says: "'1day' is not a duration",
  },
  {
    name: "a window listed twice",
    code: `count().overEach("1h", "1d", "1h"); // !`,
    says: "'1h' is listed twice",
  },
  {
    name: "no window in overEach",
    code: `count().overEach(); // !`,
    says: "Expected at least 1 arguments",
  },
  {
    name: "a second window",
    code: `count().over("7d").over("1d"); // !`,
    says: "Property 'over' does not exist",
  },
  {
    name: "a window for latest",
    code: `latest(transactions.vendor).over("7d"); // !`,
    says: "Property 'over' does not exist",
  },
  {
    name: "a condition for latest",
    code: `latest(transactions.vendor).where(eq(transactions.vendor, "x")); // !`,
    says: "Property 'where' does not exist",
  },
  {
    name: "a default of count",
    code: `count().default(1); // !`,
    says: "Property 'default' does not exist",
  },
  {
    name: "a default of another type",
    code: `avg(transactions.amount).over("7d").default("none"); // !`,
    says: "'string' is not assignable to parameter of type 'number'",
  },
  {
    name: "a default of null",
    code: `max(transactions.amount).default(null); // !`,
    says: "'null' is not assignable",
  },
  {
    name: "a closure for a condition",
    code: `count().where(() => true); // !`,
    says: "is not assignable to parameter of type",
  },
  {
    name: "a condition on another source",
    code: `sum(transactions.amount).where(eq(transfers.sender_id, "x")); // !`,
    says: "this is about transfers, the aggregation about transactions",
  },
  // conditions
  {
    name: "a comparison with another type",
    code: `eq(transactions.vendor, 7); // !`,
    says: "'number' is not assignable to parameter of type 'string'",
  },
  {
    name: "a comparison with null",
    code: `eq(transactions.vendor, null); // !`,
    says: "'null' is not assignable",
  },
  {
    name: "a comparison of json",
    code: `eq(transactions.extra, { tags: [] }); // !`,
    says: "extra is a json column, whose values have no order: it can only be isNull or isNotNull",
  },
  {
    name: "a time as a bare number",
    code: `gt(transactions.time, 1767225600000); // !`,
    says: "'number' is not assignable",
  },
  {
    name: "a list of another type",
    code: `inList(transactions.vendor, ["a", 1]); // !`,
    says: "'number' is not assignable to type 'string'",
  },
  {
    name: "conditions on two sources",
    code: `and(eq(transactions.vendor, "a"), eq(transfers.sender_id, "b")); // !`,
    says: "this is about transfers, the first condition about transactions",
  },
  { name: "no condition in or", code: `or(); // !`, says: "Expected at least 1 arguments" },
  // columns
  {
    name: "a decimal without its precision",
    code: `decimal("fee"); // !`,
    says: "'string' is not assignable to parameter of type 'DecimalOptions'",
  },
  {
    name: "options that a column does not have",
    code: `string("vendor", { nullable: true }); // !`,
    says: "Expected 0-1 arguments, but got 2",
  },
  {
    name: "int64 in an unknown mode",
    code: `int64("id", { mode: "string" }); // !`,
    says: "'\"string\"' is not assignable to type '\"number\"'",
  },
  // entities
  {
    name: "a name with a space",
    code: `entity("my user", { keys: { user_id: string() } }); // !`,
    says: "'my user' is no name: begin with a letter and use letters, digits, _ and -",
  },
  {
    name: "a nullable key",
    code: `entity("e", { keys: { user_id: string().nullable() } }); // !`,
    says: "user_id may be null, and a key is never null: drop .nullable()",
  },
  {
    name: "a key of floats",
    code: `entity("e", { keys: { user_id: float64() } }); // !`,
    says: "user_id is float64, which cannot be compared exactly: take another kind",
  },
  // sources
  {
    name: "a source without a primary key",
    code: made(`eventTime: "time",`).replace('source("s", {', 'source("s", { // !'),
    says: "Property 'primaryKey' is missing",
  },
  {
    name: "an empty primary key",
    code: made(`primaryKey: [], // !\n  eventTime: "time",`),
    says: "Source has 0 element(s) but target requires 1",
  },
  {
    name: "a primary key that is no column",
    code: made(`primaryKey: ["key"], // !\n  eventTime: "time",`),
    says: "'key' is no column of this source",
  },
  {
    name: "a primary key that may be null",
    code: made(`primaryKey: ["maybe"], // !\n  eventTime: "time",`),
    says: "'maybe' may be null, and a primary key is never null: drop .nullable()",
  },
  {
    name: "a primary key of floats",
    code: made(`primaryKey: ["ratio"], // !\n  eventTime: "time",`),
    says: "'ratio' is a float64 column, which cannot be compared exactly: take another column",
  },
  {
    name: "an event time that is no column",
    code: made(`primaryKey: ["id"],\n  eventTime: "tiem", // !`),
    says: '\'"tiem"\' is not assignable to type \'"time" | CommitTime<"time">\'',
  },
  {
    name: "an event time that is no timestamp",
    code: made(`primaryKey: ["id"],\n  eventTime: "text", // !`),
    says: "'\"text\"' is not assignable to type",
  },
  {
    name: "no timestamp at all",
    code:
      `source("s", {\n  table: "t",\n  columns: { id: int64() },\n  primaryKey: ["id"],\n  ` +
      `eventTime: "id", // !\n});`,
    says: "none of the columns is a timestamp: declare one, or say commitTime()",
  },
  {
    name: "committed since no column",
    code: made(`primaryKey: ["id"],\n  eventTime: commitTime({ since: "born" }), // !`),
    says: 'CommitTime<"born">',
  },
  {
    name: "committed since a column that is no timestamp",
    code: made(`primaryKey: ["id"],\n  eventTime: commitTime({ since: "text" }), // !`),
    says: 'CommitTime<"text">',
  },
  {
    name: "a created column that is no timestamp",
    code: made(`primaryKey: ["id"],\n  eventTime: "time",\n  createdAt: "text", // !`),
    says: "'\"text\"' is not assignable to type '\"time\"'",
  },
  {
    name: "an unknown option",
    code: made(`primaryKey: ["id"],\n  eventTime: "time",\n  primarykey: ["id"], // !`),
    says: "'primarykey' does not exist",
  },
  // pushed sources
  {
    name: "a source without a table",
    code:
      `source("s", { // !\n  columns: { id: int64(), time: timestamp() },\n  primaryKey: ` +
      `["id"],\n  eventTime: "time",\n});`,
    says: "Property 'table' is missing",
  },
  {
    name: "a source with a table that says push",
    code: made(`primaryKey: ["id"],\n  eventTime: "time",\n  push: true, // !`),
    says: "'push' does not exist",
  },
  {
    name: "a pushed source with a table",
    code: made(`primaryKey: ["id"],\n  eventTime: "time",`)
      .replace("source(", "pushSource(")
      .replace(`"public.s",`, `"public.s", // !`),
    says: "a pushed source has no table: drop it, or use source() for one that a log feeds",
  },
  {
    name: "a pushed source since a column",
    code:
      `pushSource("s", {\n  columns: { id: int64(), born: timestamp() },\n  primaryKey: ` +
      `["id"],\n  eventTime: commitTime({ since: "born" }), // !\n});`,
    says: 'CommitTime<"born">',
  },
  {
    name: "a push to a source that a log feeds",
    code: `pushes.push(transactions, []); // !`,
    says:
      "source 'transactions' is fed by a log, and never by push too: declare it with " +
      "pushSource, or run its log",
  },
  {
    name: "a pushed row without a column",
    code: `pushes.push(logins, [\n  { user_id: "u", nth: 1, time: new Date() }, // !\n]);`,
    says: "Property 'fee' is missing",
  },
  {
    name: "a pushed row with a column of another name",
    code:
      `pushes.push(logins, [\n  { user_id: "u", nth: 1, fee: "1", time: new Date(), devcie: "x" ` +
      `}, // !\n]);`,
    says: "'devcie' does not exist",
  },
  {
    name: "a pushed decimal as a number",
    code: `pushes.push(logins, [\n  { user_id: "u", nth: 1, fee: 1, time: new Date() }, // !\n]);`,
    says: "'number' is not assignable to type 'string'",
  },
  {
    name: "a pushed time as a bare number",
    code: `pushes.push(logins, [\n  { user_id: "u", nth: 1, fee: "1", time: Date.now() }, // !\n]);`,
    says: "'number' is not assignable",
  },
  {
    name: "null pushed where it is not allowed",
    code:
      `pushes.push(logins, [\n  { user_id: null, nth: 1, fee: "1", time: new Date() }, // ` +
      `!\n]);`,
    says: "'null' is not assignable",
  },
  {
    name: "a pushed delete with half of its key",
    code: `pushes.push(logins, [], { deletes: [\n  { user_id: "u" }, // !\n] });`,
    says: "Property 'nth' is missing",
  },
  {
    name: "a pushed delete with more than its key",
    code: `pushes.push(logins, [], { deletes: [\n  { user_id: "u", nth: 1, fee: "1" }, // !\n] });`,
    says: "'fee' does not exist",
  },
  // views
  {
    name: "an aggregation without a window",
    code: view(`num: count()`),
    says: "say over which window, as in .over('7d')",
  },
  {
    name: "a column of another source",
    code: view(`total: sum(transfers.amount).over("7d")`),
    says: "this feature reads transfers, the view reads transactions",
  },
  {
    name: "a condition on another source than the view's",
    code: view(`num: count().where(eq(transfers.sender_id, "x")).over("7d")`),
    says: "this feature reads transfers, the view reads transactions",
  },
  {
    name: "a feature that is a column",
    code: view(`total: transactions.amount`),
    says: "a feature is an aggregation, as in count().over('7d')",
  },
  {
    name: "a feature called event_timestamp",
    code: view(`event_timestamp: count().over("7d")`),
    says:
      "'event_timestamp' is no name for a feature: use letters, digits and _, and keep " +
      "event_timestamp for the time",
  },
  {
    name: "a feature called __proto__",
    code: view(`__proto__: count().over("7d")`),
    says: "'__proto__' is no name for a feature",
  },
  {
    name: "a feature that begins with a digit",
    code: view(`"7d_count": count().over("7d")`),
    says: "'7d_count' is no name for a feature",
  },
  {
    name: "a feature with a dot",
    code: view(`"a.b": count().over("7d")`),
    says: "'a.b' is no name for a feature",
  },
  {
    name: "a feature called like a key",
    code: view(`user_id: count().over("7d")`),
    says: "user_id is a key of the entity: call the feature something else",
  },
  {
    name: "two features of one name",
    code: view(`a_1h: count().over("1h"), // !\n    a: count().overEach("1h", "1d")`).replace(
      ", // !\n  }",
      ",\n  }",
    ),
    says: "a_1h is also what an overEach of this view makes: rename one",
  },
  {
    name: "windows and latest features in one view",
    code: view(`num: count().over("1h"), vendor: latest(transactions.vendor)`),
    says: "a view has either windows or latest features, and this is latest: put it into another view",
  },
  {
    name: "a window over a dimension",
    code:
      `featureView("v", {\n  entity: user,\n  source: customers,\n  features: {\n    n: ` +
      `count().over("7d"), // !\n  },\n});`,
    says:
      "customers is a dimension (commitTime()), whose rows have no event time to lie in a " +
      "window: use latest(...)",
  },
  {
    name: "a ttl for windows",
    code:
      `featureView("v", {\n  entity: user,\n  source: transactions,\n  features: { n: ` +
      `count().over("7d") },\n  ttl: "7d", // !\n});`,
    says: "ttl bounds latest features, and these have windows: drop it",
  },
  {
    name: "a ttl that is no duration",
    code:
      `featureView("v", {\n  entity: user,\n  source: customers,\n  features: { c: ` +
      `latest(customers.city) },\n  ttl: "1 week", // !\n});`,
    says: "'1 week' is not a duration",
  },
  {
    name: "a source without the entity's key",
    code:
      `featureView("v", {\n  entity: user, // !\n  source: transfers,\n  features: { n: ` +
      `count().over("7d") },\n});`,
    says: "transfers has no column user_id, the key of entity user: map it with keys",
  },
  {
    name: "a key of another kind",
    code:
      `const e = entity("e", { keys: { vendor: int64() } });\nfeatureView("v", {\n  entity: e, ` +
      `// !\n  source: transactions,\n  features: { n: count().over("7d") },\n});`,
    says: "transactions.vendor is string, the key of entity e is int64",
  },
  {
    name: "a mapped key of another kind",
    code:
      `featureView("v", {\n  entity: user,\n  source: transfers,\n  keys: { user_id: ` +
      `transfers.branch }, // !\n  features: { n: count().over("7d") },\n});`,
    says: "branch is int32, the key is string",
  },
  {
    name: "a mapped key of another source",
    code:
      `featureView("v", {\n  entity: user,\n  source: transfers,\n  keys: { user_id: ` +
      `transactions.user_id }, // !\n  features: { n: count().over("7d") },\n});`,
    says: "user_id is a column of transactions, the view reads transfers",
  },
  {
    name: "a mapped key the entity lacks",
    code:
      `featureView("v", {\n  entity: user,\n  source: transfers,\n  keys: { user_id: ` +
      `transfers.sender_id, other: transfers.sender_id }, // !\n  features: { n: ` +
      `count().over("7d") },\n});`,
    says: "entity user has no key other",
  },
  // services
  {
    name: "an unknown feature",
    code: `featureService("s", [weekly.nmu]); // !`,
    says: "Property 'nmu' does not exist",
  },
  {
    name: "two features of one name in a service",
    code: `featureService("s", [weekly.num, weekly.total, accounts.total]); // !`,
    says: "two features are called total: rename one, as in .as('other')",
  },
  {
    name: "a list of unknown length in a service",
    code: `featureService("s", Array.from([weekly])); // !`,
    says: "list features, views or services one by one: the types must see each of them",
  },
  {
    name: "a list of unknown length in a request",
    code: `store.getOnlineFeatures({\n  features: Array.from([weekly]), // !\n  entities: [],\n});`,
    says: "list features, views or services one by one",
  },
  {
    name: "a column in a service",
    code: `featureService("s", [transactions.amount]); // !`,
    says: "this is no feature, view or service",
  },
  {
    name: "an alias that is a key",
    code: `weekly.num.as("user_id"); // !`,
    says: "'user_id' is a key of the entity: call the feature something else",
  },
  {
    name: "an alias that is no name",
    code: `weekly.num.as("a b"); // !`,
    says: "'a b' is no name for a feature",
  },
  // requests
  {
    name: "a request with a missing key",
    code: `store.getOnlineFeatures({ features: accounts, entities: [\n  { bank: "b" }, // !\n] });`,
    says: "Property 'account_id' is missing",
  },
  {
    name: "a request with an extra key",
    code:
      `store.getOnlineFeatures({ features: weekly, entities: [\n  { user_id: "u", account: 1 }, ` +
      `// !\n] });`,
    says: "'account' does not exist",
  },
  {
    name: "a request with a key of another type",
    code: `store.getOnlineFeatures({ features: weekly, entities: [\n  { user_id: 7 }, // !\n] });`,
    says: "'number' is not assignable to type 'string'",
  },
  {
    name: "a request by a list, with a missing key",
    code:
      `store.getOnlineFeatures({ features: [weekly.num, accounts.moves_1h], entities: [\n  { ` +
      `user_id: "u", bank: "b" }, // !\n] });`,
    says: "Property 'account_id' is missing",
  },
  {
    name: "a request for two features of one name",
    code: `store.getOnlineFeatures({\n  features: [weekly, accounts], // !\n  entities: [],\n});`,
    says: "two features are called total",
  },
  {
    name: "asOf as a bare number",
    code:
      `store.getOnlineFeatures({\n  features: weekly,\n  entities: [],\n  asOf: Date.now(), // ` +
      `!\n});`,
    says: "'number' is not assignable",
  },
  {
    name: "a misspelt feature of an answer",
    code:
      `const [row] = await store.getOnlineFeatures({ features: weekly, entities: [{ user_id: ` +
      `"u" }] });\nrow.nmu; // !`,
    says: "Property 'nmu' does not exist",
  },
  {
    name: "null taken for a number",
    code:
      `const [row] = await store.getOnlineFeatures({ features: weekly, entities: [{ user_id: ` +
      `"u" }] });\nrow.mean + 1; // !`,
    says: "'row.mean' is possibly 'null'",
  },
  {
    name: "an entity row without its time",
    code:
      `store.getHistoricalFeatures({ features: weekly, entities: [\n  { user_id: "u" }, // !\n] ` +
      `});`,
    says: "Property 'event_timestamp' is missing",
  },
  {
    name: "an entity row with a bare number for its time",
    code:
      `store.getHistoricalFeatures({ features: weekly, entities: [\n  { user_id: "u", ` +
      `event_timestamp: 1767225600000 }, // !\n] });`,
    says: "'number' is not assignable",
  },
];
