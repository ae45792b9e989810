/** Compares batched requests with the same requests made one after the other. */
import { expect, test } from "vitest";
import { collectDefinitions, type Store } from "@tidemark/core";
import { featureServer } from "@tidemark/server";
import { featureResolver } from "../../src/features/feature-resolver.ts";
import { batchedReads } from "../../src/features/request-batching.ts";
import { definitions, shopServer } from "../support/shop-server.ts";

interface Ask {
  readonly url: string;
  readonly payload: object;
}

const USERS = ["alice", "bob", "carol", "nobody"];

function questions(): readonly Ask[] {
  const asked: Ask[] = [];
  for (let n = 0; n < 60; n++) {
    const length = [1, 1, 1, 2, 3, 16, 17, 40][n % 8]!;
    const users = Array.from({ length }, (_, i) => USERS[(n + i) % USERS.length]!);
    const features = n % 3 === 0 ? ["signed_in:logins_l1d"] : ["weekly"];
    asked.push({
      url: "/get-online-features",
      payload: { features, entities: { user_id: users } },
    });
    asked.push({
      url: "/v1/features",
      payload: { features, entities: users.map((user_id) => ({ user_id })), metadata: n % 2 === 0 },
    });
    // some requests are wrong, and the store refuses them
    if (n % 7 === 0)
      asked.push({
        url: "/get-online-features",
        payload: { features, entities: { user_id: [n] } },
      });
    if (n % 11 === 0)
      asked.push({
        url: "/v1/features",
        payload: { features, entities: [{ user_id: "alice" }, { user_id: null }] },
      });
  }
  return asked;
}

/** Wraps a store and counts its reads. */
function counting(store: Store): Store & { reads: number } {
  return {
    ...store,
    reads: 0,
    getOnlineColumns(request) {
      this.reads++;
      return store.getOnlineColumns(request);
    },
  };
}

test("a batched request gets the same answer or error as alone, with fewer reads", async () => {
  const { store } = await shopServer();
  const counted = counting(store);
  const { app } = await featureServer({ store: counted, definitions });
  const asked = questions();
  const answer = async ({ url, payload }: Ask): Promise<string> => {
    const { statusCode, body } = await app.inject({ method: "POST", url, payload });
    return `${statusCode} ${body}`;
  };
  const alone: string[] = [];
  for (const one of asked) alone.push(await answer(one));
  expect(alone.filter((text) => text.startsWith("200")).length).toBe(120);
  expect(alone.filter((text) => text.startsWith("422")).length).toBe(asked.length - 120);
  const before = counted.reads;
  expect(await Promise.all(asked.map(answer))).toEqual(alone);
  // requests of many entities are not batched; batches with a wrong request were repeated one by
  // one
  expect(before).toBe(asked.length);
  expect(counted.reads - before).toBeLessThan(asked.length * 1.1);
  const right = asked.filter((_, i) => alone[i]!.startsWith("200"));
  const then = counted.reads;
  await Promise.all(right.map(answer));
  expect(counted.reads - then).toBeLessThan(50);
});

test("a read has at most 256 entities, and a large request is read alone", async () => {
  const { store } = await shopServer();
  const lengths: number[] = [];
  const reads = batchedReads({
    ...store,
    getOnlineColumns(request) {
      lengths.push(request.entities.length);
      return store.getOnlineColumns(request);
    },
  });
  const { selection } = featureResolver(collectDefinitions(definitions)).features(
    ["weekly"],
    "short",
  );
  const users = (count: number): readonly { readonly user_id: string }[] =>
    Array.from({ length: count }, () => ({ user_id: "alice" }));
  const bounds = {
    ending: () => new AbortController().signal,
    maxBytes: 1000,
    onMissing: "error",
    requestId: "r-1",
  } as const;
  const answers = await Promise.all([
    ...Array.from({ length: 50 }, () => reads(selection, users(10), bounds)),
    reads(selection, users(17), bounds),
    reads(selection, [], bounds),
  ]);
  expect(lengths.toSorted((a, b) => a - b)).toEqual([17, 250, 250]);
  expect(answers.slice(0, 50).map(({ first }) => first)).toEqual(
    Array.from({ length: 50 }, (_, i) => (i % 25) * 10),
  );
});
