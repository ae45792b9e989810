/**
 * Tests that HTTP gives the same JavaScript values as the store, on generated definitions and logs.
 */
import { isTidemarkError, micros, openStore, type Selection } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  requestKeys,
  scenarioDefinitions,
  scenarioSource,
} from "@tidemark/testkit";
import { featureServer } from "@tidemark/server";
import { createClient } from "@tidemark/client";
import { expect, test } from "vitest";

type Everything = Selection<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>;

/** Returns the answer, or the code of the error. */
async function outcome(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    return isTidemarkError(error) ? error.code : error;
  }
}

test.each(Array.from({ length: 12 }, (_, i) => 7_100 + i))(
  "seed %i: the client's rows, statuses and times equal the store's",
  async (seed) => {
    const scenario = generateScenario(seed, { requests: 20, everyAggregation: seed % 2 === 0 });
    const definitions = scenarioDefinitions(scenario);
    const store = await openStore({
      definitions,
      online: { store: memoryOnlineStore(), retention: "forever" },
      clock: () => new Date(0),
    });
    await store.run(scenarioSource(scenario), { mismatch: 1 });
    const server = await featureServer({ store, definitions });
    const client = createClient<Readonly<Record<string, unknown>>>({
      url: await server.listen({ port: 0 }),
      timeout: "1m",
    });
    const features: Everything = definitions.all;
    let compared = 0;
    for (const request of scenario.requests) {
      const entity = requestKeys(scenario, request);
      const asOf = micros(request.time);
      for (const metadata of [false, true])
        for (const asked of [{ entity }, { entities: [entity] }]) {
          const question = { ...asked, asOf, metadata };
          const expected = await outcome(store.getOnlineFeatures({ features, ...question }));
          expect(await outcome(client.getOnlineFeatures({ features, ...question }))).toStrictEqual(
            expected,
          );
          expect(await outcome(client.service("all").getOnlineFeatures(question))).toStrictEqual(
            expected,
          );
          if (typeof expected === "object") compared++;
        }
    }
    // all in one call, and those of one view only
    const entities = scenario.requests.map((request) => requestKeys(scenario, request));
    const asOf = micros(scenario.requests[0]!.time);
    expect(await outcome(client.getOnlineFeatures({ features, entities, asOf }))).toStrictEqual(
      await outcome(store.getOnlineFeatures({ features, entities, asOf })),
    );
    expect(compared).toBe(4 * scenario.requests.length);
    await server.close();
    await store.close();
  },
);
