/** Tests of the metadata of definitions: in the registry, in plans, over HTTP and in warnings. */
import {
  count,
  countDistinct,
  derivedSource,
  derivedView,
  div,
  entity,
  eq,
  feature,
  featureService,
  featureView,
  float64,
  from,
  gt,
  int64,
  latest,
  openStore,
  pushSource,
  requestData,
  select,
  string,
  sum,
  timestamp,
  transform,
  unionSource,
  type Metadata,
  type RegistryPlan,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { featureServer } from "@tidemark/server";
import { expect, test, vi } from "vitest";

const pii: Metadata = { sensitivity: "pii" };
const definitionsOf = (about: Metadata, ofWeek: Metadata = { unit: "CHF" }) => {
  const user = entity("user", {
    description: "A customer",
    keys: { user_id: string().describe({ sensitivity: "pii" }) },
  });
  const payments = pushSource("payments", {
    sensitivity: "internal",
    columns: {
      id: int64(),
      user_id: string(),
      name: string().nullable().describe({ sensitivity: "pii", description: "As on the card" }),
      vendor: string().describe({ sensitivity: "public" }),
      amount: float64(),
      time: timestamp(),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const named = derivedSource("named", { from: payments, where: eq(payments.name, "A") });
  const spending = featureView("spending", {
    ...about,
    entity: user,
    source: payments,
    features: {
      num: count().over("7d"),
      week: sum(payments.amount).over("7d").describe(ofWeek),
      coffees: count().where(eq(payments.vendor, "Coffee")).over("7d"),
      by_name: count().by(payments.name).over("7d"),
      part: feature(div(sum(payments.amount).over("1d"), sum(payments.amount).over("7d"))).describe(
        { description: "Of the week", deprecated: { replacedBy: "burst.burst" } },
      ),
    },
  });
  const newest = featureView("newest", {
    entity: user,
    source: named,
    features: { vendor: latest(named.vendor) },
  });
  const order = requestData("order", { card: float64().describe({ sensitivity: "confidential" }) });
  const burst = derivedView("burst", {
    tags: ["model"],
    features: {
      burst: div(spending.week, order.card),
      shown: feature(div(spending.week, order.card)).describe({ sensitivity: "public" }),
    },
  });
  const score = transform("score", {
    owner: "fraud",
    version: 1,
    inputs: { vendor: newest.vendor, burst: burst.shown },
    outputs: {
      risk: float64(),
      band: string().describe({ sensitivity: "internal", unit: "band" }),
    },
    compute: () => ({ risk: 1, band: "low" }),
  });
  const model = featureService("model", [spending.week, score.risk], { owner: "fraud" });
  return { user, payments, spending, newest, burst, score, model };
};
type Given = ReturnType<typeof definitionsOf>;
const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
const open = (definitions: Given) =>
  openStore({
    definitions,
    online: { store: memoryOnlineStore(online), retention: "1d" },
    offline: { store: memoryOfflineStore(offline) },
    onDefinitionMismatch: "refuse",
  });

test("metadata is stored by apply, and a change of it changes nothing else", async () => {
  const store = await open(definitionsOf({ owner: "growth" }));
  const first = await store.apply();
  expect(first.metadata).toEqual([]);
  const other = await open(
    definitionsOf({ owner: "fraud", tags: ["new"] }, { unit: "EUR", description: "Spent" }),
  );
  const shown = ({ changes, metadata }: RegistryPlan) => ({ changes, metadata });
  expect(shown(await other.plan())).toEqual({
    changes: [],
    metadata: [
      {
        kind: "feature",
        name: "spending.week",
        details: ["description added: Spent", "unit: CHF → EUR"],
      },
      { kind: "view", name: "spending", details: ["owner: growth → fraud", 'tags added: ["new"]'] },
    ],
  });
  expect(await other.apply()).toMatchObject({ version: first.version + 1 });
  expect(shown(await other.plan())).toEqual({ changes: [], metadata: [] });
  expect(await other.apply()).toMatchObject({ version: first.version + 1 });
});

test("a feature is as sensitive as what it reads, and plan lists lower ones", async () => {
  const definitions = definitionsOf({});
  const store = await open(definitions);
  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  try {
    const answer = await server.app.inject({ method: "GET", url: "/v1/definitions" });
    const { views, derivedViews, sources, entities, services } = answer.json();
    const sensitivities = Object.fromEntries(
      [...views, ...derivedViews].flatMap((view: { name: string; features: never[] }) =>
        view.features.map((one: { name: string; metadata?: Metadata }) => [
          `${view.name}.${one.name}`,
          one.metadata?.sensitivity ?? null,
        ]),
      ),
    );
    expect(sensitivities).toEqual({
      "spending.num": null,
      "spending.week": "internal",
      "spending.coffees": "public",
      "spending.by_name": "pii",
      "spending.part": "internal",
      "newest.vendor": "pii",
      "burst.burst": "confidential",
      "burst.shown": "public",
      "score.risk": "pii",
      "score.band": "internal",
    });
    expect(views[0].features[1].metadata).toEqual({ unit: "CHF", sensitivity: "internal" });
    expect(views[0].features[4].metadata.deprecated).toEqual({ replacedBy: "burst.burst" });
    expect(derivedViews.map(({ metadata }: { metadata?: Metadata }) => metadata)).toEqual([
      { tags: ["model"] },
      { owner: "fraud" },
    ]);
    expect(sources[0].metadata).toEqual({ sensitivity: "internal" });
    expect(sources[0].columns[2].metadata).toEqual({
      sensitivity: "pii",
      description: "As on the card",
    });
    expect(entities[0]).toMatchObject({ metadata: { description: "A customer" } });
    expect(services[0].metadata).toEqual({ owner: "fraud" });
  } finally {
    await server.close();
  }
  expect((await store.plan()).lowered).toEqual([
    { feature: "burst.shown", sensitivity: "public", from: "confidential", reads: ["card"] },
    { feature: "score.band", sensitivity: "internal", from: "pii", reads: ["newest.vendor"] },
  ]);
});

test("/openapi.json has descriptions, units, and what is deprecated", async () => {
  const definitions = definitionsOf(
    { description: "What a customer spends", deprecated: { replacedBy: "spending_v2" } },
    { unit: "EUR", description: "Spent" },
  );
  const store = await open(definitions);
  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  try {
    const document = (await server.app.inject("/openapi.json")).json();
    const view = document.paths["/v1/views/spending/features"].post;
    expect(view).toMatchObject({
      deprecated: true,
      description: "What a customer spends\n\nNeeds the scope `read`.",
    });
    const { schema } = view.responses[200].content["application/json"];
    const { week, num } = schema.properties.rows.anyOf[0].items.properties;
    expect([week.deprecated, week.description]).toEqual([
      true,
      "Spent\n\nsum(payments.amount) over 7d, in EUR",
    ]);
    expect(num.description).toBe("count(payments) over 7d");
    const pushed = document.paths["/v1/push/payments"].post.requestBody.content["application/json"];
    expect(pushed.schema.properties.rows.items.properties.name.description).toBe("As on the card");
    expect(document.paths["/v1/services/model/features"].post.deprecated).toBeUndefined();
  } finally {
    await server.close();
  }
});

test("a union is as sensitive as the columns of its parts", async () => {
  const part = (name: string, text: Metadata) =>
    pushSource(name, {
      columns: { id: int64(), who: string(), text: string().describe(text), time: timestamp() },
      primaryKey: ["id"],
      eventTime: "time",
    });
  const [calls, mails] = [part("calls", { sensitivity: "internal" }), part("mails", pii)];
  const both = unionSource("both", {
    columns: { who: string(), text: string() },
    of: [
      from(calls, { who: calls.who, text: calls.text }),
      from(mails, { who: mails.who, text: mails.text }),
    ],
  });
  const talk = featureView("talk", {
    entity: entity("who", { keys: { who: string() } }),
    source: both,
    features: {
      said: countDistinct(both.text).over("7d"),
      shown: countDistinct(both.text).over("7d").describe({ sensitivity: "public" }),
    },
  });
  const store = await openStore({
    definitions: { talk },
    offline: { store: memoryOfflineStore(memoryOfflineData()) },
  });
  expect((await store.plan()).lowered).toEqual([
    { feature: "talk.shown", sensitivity: "public", from: "pii", reads: ["mails.text"] },
  ]);
});

test("metadata of sources of sources and of request data", async () => {
  const payments = pushSource("payments", {
    columns: { id: int64(), user_id: string(), amount: float64(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const definitionsWith = (description: string) => {
    const large = derivedSource("large", {
      description,
      sensitivity: "confidential",
      deprecated: { replacedBy: "all" },
      from: payments,
      where: gt(payments.amount, 100),
    });
    const all = unionSource("all", {
      owner: "fraud",
      columns: { user_id: string(), amount: float64() },
      of: [from(large, { user_id: large.user_id, amount: large.amount })],
    });
    const spent = featureView("spent", {
      entity: entity("user", { keys: { user_id: string() } }),
      source: all,
      features: {
        week: sum(all.amount).over("7d"),
        shown: feature(sum(all.amount).over("1d")).describe({ sensitivity: "public" }),
      },
    });
    const values = { price: float64(), note: string() };
    const order = requestData("order", values, { owner: "shop", ...pii });
    const share = derivedView("share", { features: { part: div(order.price, spent.week) } });
    return { spent, share };
  };
  const stored = [memoryOnlineData(), memoryOfflineData()] as const;
  const openWith = (definitions: ReturnType<typeof definitionsWith>) =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(stored[0]), retention: "1d" },
      offline: { store: memoryOfflineStore(stored[1]) },
    });
  await (await openWith(definitionsWith("Payments over 100"))).apply();
  const definitions = definitionsWith("Large payments");
  const store = await openWith(definitions);
  const { lowered, metadata } = await store.plan();
  expect(lowered).toEqual([
    { feature: "spent.shown", sensitivity: "public", from: "confidential", reads: ["large"] },
  ]);
  expect(metadata).toEqual([
    {
      kind: "view",
      name: "spent",
      details: ["sources.large.description: Payments over 100 → Large payments"],
    },
  ]);
  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  try {
    const { views, derivedViews } = (
      await server.app.inject({ method: "GET", url: "/v1/definitions" })
    ).json();
    expect(views[0].through.map(({ name }: { name: string }) => name)).toEqual(["all", "large"]);
    expect(views[0].features[0].metadata).toEqual({ sensitivity: "confidential" });
    expect(derivedViews[0].features[0].metadata).toEqual({ sensitivity: "pii" });
    const keys = derivedViews[0].keys as { name: string; metadata?: Metadata }[];
    expect(keys.find(({ name }) => name === "price")?.metadata).toEqual({
      owner: "shop",
      sensitivity: "pii",
    });
  } finally {
    await server.close();
  }
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  try {
    const asked = { features: definitions.spent, entity: { user_id: "u" } };
    await store.getOnlineFeatures(asked).catch(() => undefined);
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      "source large is deprecated: ask for all",
    ]);
  } finally {
    warned.mockRestore();
  }
});

test("a deprecated feature, view or service warns once, and names its successor", async () => {
  const { spending, newest, ...rest } = definitionsOf({
    deprecated: { reason: "too slow", replacedBy: "spending_v2", until: "2027-01-01" },
  });
  const store = await open({ spending, newest, ...rest });
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  try {
    const old = featureService("old", [newest.vendor], { deprecated: { replacedBy: "model" } });
    for (const features of [spending.part, spending, select(spending, { prefix: "a_" }), [old]]) {
      const asked = { features, entity: { user_id: "u" } } as never;
      await store.getOnlineFeatures(asked).catch(() => undefined);
    }
    expect(warned.mock.calls).toEqual([
      [
        "feature spending.part is deprecated: ask for burst.burst",
        { type: "TidemarkWarning", code: "FEATURE_DEPRECATED" },
      ],
      [
        "view spending is deprecated (too slow): ask for spending_v2; " +
          "it is answered until 2027-01-01",
        { type: "TidemarkWarning", code: "FEATURE_DEPRECATED" },
      ],
      [
        "service old is deprecated: ask for model",
        { type: "TidemarkWarning", code: "FEATURE_DEPRECATED" },
      ],
    ]);
  } finally {
    warned.mockRestore();
  }
});
