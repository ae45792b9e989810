/** `GET /v1/lineage` answers the graph of the definitions. */
import {
  collectDefinitions,
  count,
  derivedSource,
  derivedView,
  div,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  from,
  latest,
  source,
  string,
  sum,
  timestamp,
  transform,
  unionSource,
} from "@tidemark/core";
import { describe, expect, test } from "vitest";
import { lineageJson } from "../../src/api/lineage-json.ts";
import { ask, READ, tokens } from "../support/ask-server.ts";
import { shopServer } from "../support/shop-server.ts";

const user = entity("user", { keys: { user_id: string() } });
const columns = () => ({
  id: string(),
  user_id: string(),
  kind: string(),
  amount: float64(),
  time: timestamp(),
});
const settings = { primaryKey: ["id"], eventTime: "time" } as const;
const cards = source("cards", { table: "public.cards", columns: columns(), ...settings });
const wires = source("wires", { table: "public.wires", columns: columns(), ...settings });
const paid = unionSource("paid", {
  columns: { user_id: string(), amount: float64() },
  of: [
    from(cards, { user_id: cards.user_id, amount: cards.amount }),
    from(wires, { user_id: wires.user_id, amount: wires.amount }),
  ],
});
const fees = derivedSource("fees", {
  from: cards,
  where: eq(cards.kind, "fee"),
  description: "Only fees",
});
const spending = featureView("spending", {
  entity: user,
  source: paid,
  owner: "risk",
  features: {
    spent_1d: sum(paid.amount).over("1d"),
    share: div(count().over("1d"), count().over("7d")),
  },
});
const feeView = featureView("fee_view", {
  entity: user,
  source: fees,
  ttl: "30d",
  features: { last_fee: latest(fees.amount) },
});
const judged = derivedView("judged", {
  features: { fee_share: div(feeView.last_fee, spending.spent_1d) },
});
const scored = transform("scored", {
  version: 1,
  inputs: { share: judged.fee_share },
  outputs: { points: float64() },
  compute: ({ share }) => ({ points: share ?? 0 }),
});
const fraud = featureService("fraud", [spending.share, scored.points]);
const lineage = lineageJson(
  collectDefinitions({ paid, fees, spending, feeView, judged, scored, fraud }),
);
const edgesTo = (id: string): readonly string[] =>
  lineage.edges.filter(({ to }) => to === id).map(({ from }) => from);

describe("the graph", () => {
  test("goes from tables to services, and has no edge to a node that is missing", () => {
    expect(lineage.nodes.map(({ id }) => id).sort()).toEqual([
      "derived source fees",
      "derived source paid",
      "derived view judged",
      "service fraud",
      "source cards",
      "source wires",
      "table public.cards",
      "table public.wires",
      "transform scored",
      "view fee_view",
      "view spending",
    ]);
    expect(edgesTo("source cards")).toEqual(["table public.cards"]);
    expect(edgesTo("derived source paid")).toEqual(["source cards", "source wires"]);
    expect(edgesTo("view spending")).toEqual(["derived source paid"]);
    expect(edgesTo("derived source fees")).toEqual(["source cards"]);
    expect(edgesTo("view fee_view")).toEqual(["derived source fees"]);
    expect(edgesTo("derived view judged").toSorted()).toEqual(["view fee_view", "view spending"]);
    expect(edgesTo("service fraud")).toEqual(["view spending", "transform scored"]);
    const ids = new Set(lineage.nodes.map(({ id }) => id));
    for (const { from, to } of lineage.edges)
      expect([ids.has(from), ids.has(to)]).toEqual([true, true]);
  });

  test("has the metadata and the condition of nodes", () => {
    const node = (id: string): unknown => lineage.nodes.find((one) => one.id === id);
    expect(node("view spending")).toMatchObject({ metadata: { owner: "risk" } });
    expect(node("derived source fees")).toMatchObject({ metadata: { description: "Only fees" } });
    expect(node("view fee_view")).toMatchObject({ condition: 'kind = "fee"' });
  });
});

describe("features", () => {
  const feature = (name: string): unknown => lineage.features.find((one) => one.feature === name);

  test("say what is computed over which windows, and which services use them", () => {
    expect(feature("spending:spent_1d")).toMatchObject({
      view: "view spending",
      expression: "sum(paid.amount) over 1d",
      windows: ["1d"],
      reads: [],
      services: ["fraud"],
    });
    expect(feature("spending:share")).toMatchObject({ windows: ["1d", "7d"], services: ["fraud"] });
    expect(feature("fee_view:last_fee")).toMatchObject({ windows: [] });
    expect(feature("judged:fee_share")).toMatchObject({
      reads: ["fee_view:last_fee", "spending:spent_1d"],
      services: [],
    });
    expect(feature("scored:points")).toMatchObject({
      view: "transform scored",
      code: null,
      services: ["fraud"],
    });
  });
});

test("a caller with the scope read gets the graph of the server's definitions", async () => {
  const server = await shopServer({ tokens });
  const { status, body } = await ask<typeof lineage>(server, "/v1/lineage", { token: READ });
  expect(status).toBe(200);
  expect(body.edges).toContainEqual({ from: "source payments", to: "view weekly" });
  expect(body.edges).toContainEqual({ from: "table public.payments", to: "source payments" });
  // rows are pushed to logins
  expect(body.edges.filter(({ to }) => to === "source logins")).toEqual([]);
  expect((await ask(server, "/v1/lineage")).status).toBe(401);
  await server.close();
});
