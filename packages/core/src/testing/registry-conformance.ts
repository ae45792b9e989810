/** The conformance suite of an offline store's registry. */
import assert from "node:assert/strict";
import type { OfflineStore, RegistryStore } from "../spi.ts";

const CONCURRENT_WRITERS = 8;
const ROUNDS = 5;

/** Declares the tests. `check` declares one test, which gets handles on one empty store. */
export function registryConformance(
  check: (name: string, run: (newHandle: () => OfflineStore) => Promise<void>) => void,
): void {
  const of = (store: OfflineStore): RegistryStore => {
    assert.ok(
      store.registry !== undefined,
      `${store.name} has no registry: implement it, or declare withoutRegistry`,
    );
    return store.registry;
  };

  check(
    "a registry is empty at first, and then holds the last save for every handle",
    async (newHandle) => {
      const [a, b] = [of(newHandle()), of(newHandle())];
      const namespace = "default";
      assert.equal(await a.load({ namespace }), null);
      assert.equal(await a.save('{"é": "\u{10ffff}"}', { namespace, expected: null }), "done");
      const first = (await b.load({ namespace }))!;
      assert.equal(first.snapshot, '{"é": "\u{10ffff}"}');
      assert.equal(await b.save("", { namespace, expected: first.etag }), "done");
      const second = (await a.load({ namespace }))!;
      assert.equal(second.snapshot, "");
      assert.notEqual(second.etag, first.etag);
    },
  );

  check("a save succeeds only over the loaded snapshot", async (newHandle) => {
    const registry = of(newHandle());
    const namespace = "default";
    await registry.save("one", { namespace, expected: null });
    const { etag } = (await registry.load({ namespace }))!;
    assert.equal(await registry.save("another one", { namespace, expected: null }), "conflict");
    assert.equal(await registry.save("two", { namespace, expected: etag }), "done");
    assert.equal(await registry.save("another two", { namespace, expected: etag }), "conflict");
    // Not even the snapshot that was there before is accepted.
    assert.equal(await registry.save("one", { namespace, expected: etag }), "conflict");
    assert.equal((await registry.load({ namespace }))!.snapshot, "two");
  });

  check(
    "each namespace has its own registry, under any name, and registries are no tables",
    async (newHandle) => {
      const store = newHandle();
      const registry = of(store);
      const namespaces = [
        "bank",
        "bank/eu",
        "bank%2Feu",
        "..",
        ".",
        "a b",
        "é☂",
        "*",
        "Bank",
        "b",
        "000",
      ];
      for (const namespace of namespaces)
        assert.equal(await registry.save(`of ${namespace}`, { namespace, expected: null }), "done");
      for (const namespace of namespaces)
        assert.equal((await registry.load({ namespace }))?.snapshot, `of ${namespace}`);
      assert.equal(await registry.load({ namespace: "ban" }), null);
      assert.equal(await store.state("bank"), null);
    },
  );

  check(
    "of many saves over one snapshot one succeeds, and its content is stored",
    async (newHandle) => {
      const namespace = "default";
      for (let round = 0; round < ROUNDS; round++) {
        const expected = (await of(newHandle()).load({ namespace }))?.etag ?? null;
        const texts = Array.from(
          { length: CONCURRENT_WRITERS },
          (_, i) => `${round}: ${"x".repeat(i * 1000)}`,
        );
        const outcomes = await Promise.all(
          texts.map((text) => of(newHandle()).save(text, { namespace, expected })),
        );
        assert.deepEqual(outcomes.toSorted(), [
          ...Array.from({ length: CONCURRENT_WRITERS - 1 }, () => "conflict"),
          "done",
        ]);
        assert.equal(
          (await of(newHandle()).load({ namespace }))!.snapshot,
          texts[outcomes.indexOf("done")],
        );
      }
    },
  );

  check("twenty-five saves stay in their order", async (newHandle) => {
    const registry = of(newHandle());
    const namespace = "default";
    for (let n = 0; n < 25; n++)
      assert.equal(
        await registry.save(`${n}`, {
          namespace,
          expected: (await registry.load({ namespace }))?.etag ?? null,
        }),
        "done",
      );
    assert.equal((await registry.load({ namespace }))!.snapshot, "24");
  });

  check(
    "a call to a registry whose signal is aborted throws and saves nothing",
    async (newHandle) => {
      const registry = of(newHandle());
      const namespace = "default";
      const signal = AbortSignal.abort(new Error("no more"));
      await assert.rejects(() => registry.save("one", { namespace, expected: null, signal }));
      await assert.rejects(() => registry.load({ namespace, signal }));
      assert.equal(await registry.load({ namespace }), null);
    },
  );
}
