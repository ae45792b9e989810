/**
 * The conformance suite of object stores: what a store must keep for a Delta table to be safe on
 * it. The suite runs under any test runner: pass its `test`.
 */
import assert from "node:assert/strict";
import { isTidemarkError } from "@tidemark/core";
import type { ObjectStore } from "../objects.ts";

/** A new, empty object store for one test. */
export interface ObjectStoreUnderTest {
  /** Another handle on the same objects, as another process would have it. */
  objects(): ObjectStore;
  /** Called when the test has ended. */
  remove?(): Promise<void>;
}

/**
 * Declares the conformance tests of an object store.
 *
 * @example
 * objectStoreConformance({
 *   test,
 *   make: async () => {
 *     const bucket = temporary();
 *     return { objects: () => myObjects(bucket) };
 *   },
 * });
 */
export function objectStoreConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an empty store for one test. */
  readonly make: () => Promise<ObjectStoreUnderTest>;
}): void {
  function fact(name: string, run: (handle: () => ObjectStore) => Promise<void>): void {
    options.test(name, async () => {
      const under = await options.make();
      try {
        await run(() => under.objects());
      } finally {
        await under.remove?.();
      }
    });
  }

  fact("an object that was never written is not there", async (handle) => {
    const objects = handle();
    assert.equal(await objects.read("a/b"), null);
    assert.equal(await objects.read("a/b", { from: 0, to: 10 }), null);
    assert.equal(await objects.size("a/b"), null);
    assert.deepEqual(await keys(objects, ""), []);
    await objects.delete("a/b");
  });

  fact("what was put is read, whole and by ranges, by every handle", async (handle) => {
    await handle().put("a/b/c.bin", bytes("hello world"));
    const objects = handle();
    assert.equal(text(await objects.read("a/b/c.bin")), "hello world");
    assert.equal(await objects.size("a/b/c.bin"), 11);
    for (const [from, to, expected] of [
      [0, 5, "hello"],
      [6, 11, "world"],
      [6, 99, "world"],
      [11, 20, ""],
      [3, 3, ""],
    ] as const)
      assert.equal(text(await objects.read("a/b/c.bin", { from, to })), expected);
    assert.equal(await objects.read("a/b"), null, "a prefix is no object");
    assert.equal(await objects.size("a/b"), null);
  });

  fact("a put replaces; an empty object is an object", async (handle) => {
    const objects = handle();
    await objects.put("x", bytes("a long content"));
    await objects.put("x", bytes(""));
    assert.equal(text(await objects.read("x")), "");
    assert.equal(await objects.size("x"), 0);
  });

  fact("a put of pieces is whole or nothing", async (handle) => {
    const objects = handle();
    const pieces = async function* (fail: boolean): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 300; i++) yield bytes(`${i},`.padEnd(1000, "."));
      if (fail) throw new Error("the writer died");
    };
    await objects.put("p", pieces(false));
    assert.equal(await objects.size("p"), 300_000);
    await assert.rejects(() => objects.put("p", pieces(true)), /the writer died/);
    await assert.rejects(() => objects.put("q", pieces(true)), /the writer died/);
    assert.equal(await objects.size("p"), 300_000);
    assert.equal(await objects.size("q"), null);
    assert.deepEqual(await keys(objects, ""), ["p"]);
  });

  fact("a create succeeds once, and leaves what is there as it is", async (handle) => {
    const objects = handle();
    assert.equal(await objects.createIfAbsent("log/0.json", bytes("first")), true);
    assert.equal(await objects.createIfAbsent("log/0.json", bytes("second")), false);
    assert.equal(await handle().createIfAbsent("log/0.json", bytes("third")), false);
    assert.equal(text(await objects.read("log/0.json")), "first");
    await objects.delete("log/0.json");
    assert.equal(await objects.createIfAbsent("log/0.json", bytes("fourth")), true);
  });

  fact("of forty racing creates one wins, and its content is there", async (handle) => {
    for (let round = 0; round < 5; round++) {
      const key = `race/${round}`;
      const won = await Promise.all(
        Array.from({ length: 40 }, (_, i) => handle().createIfAbsent(key, bytes(`writer ${i}`))),
      );
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(text(await handle().read(key)), `writer ${won.indexOf(true)}`);
    }
  });

  fact(
    "a list has the objects under a prefix, in the order of their keys, after the key asked",
    async (handle) => {
      const objects = handle();
      const all = ["a", "b/1", "b/10", "b/2", "b/c/d", "b.x", "ba/1", "é/1", "😀/1", "\uffff/1"];
      for (const key of [...all].reverse()) await objects.put(key, bytes(key));
      const order = [...all].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      assert.deepEqual(await keys(handle(), ""), order);
      assert.deepEqual(await keys(objects, "b/"), ["b/1", "b/10", "b/2", "b/c/d"]);
      assert.deepEqual(await keys(objects, "b"), ["b.x", "b/1", "b/10", "b/2", "b/c/d", "ba/1"]);
      assert.deepEqual(await keys(objects, "b/1"), ["b/1", "b/10"]);
      assert.deepEqual(await keys(objects, "b/", "b/10"), ["b/2", "b/c/d"]);
      assert.deepEqual(await keys(objects, "b/", "b/15"), ["b/2", "b/c/d"]);
      assert.deepEqual(await keys(objects, "nothing/"), []);
      for await (const info of objects.list("b/1")) {
        assert.equal(info.size, Buffer.byteLength(info.key));
        assert.ok(Math.abs(info.modified - Date.now()) < 600_000, "modified is a time in ms");
      }
    },
  );

  fact(
    "many objects go at once, those that were not there too; the others stay",
    async (handle) => {
      const objects = handle();
      if (objects.deleteAll === undefined) return;
      await objects.deleteAll([]);
      for (const key of ["t/1", "t/2", "t/a b+c", "u/1"]) await objects.put(key, bytes(key));
      await objects.deleteAll(["t/1", "t/a b+c", "t/never"]);
      assert.deepEqual(await keys(handle(), ""), ["t/2", "u/1"]);
    },
  );

  fact("keys may hold what Delta's paths hold", async (handle) => {
    const objects = handle();
    for (const key of [
      "t/a=1/b=x%20y/part-1.parquet",
      "t/a=%C3%A9/p",
      "t/a b/c+d&e#f?g",
      "t/_delta_log/00000000000000000000.json",
      "t/ä☂/p",
    ]) {
      await objects.put(key, bytes(key));
      assert.equal(text(await handle().read(key)), key);
      assert.deepEqual(await keys(objects, key), [key]);
    }
  });

  fact("a key that could lead out of the store is refused", async (handle) => {
    const objects = handle();
    for (const key of ["", "/etc/passwd", "a/../../b", "..", "a//b", "a/./b", "a/", "a\0b"]) {
      for (const call of [
        () => objects.put(key, bytes("x")),
        () => objects.createIfAbsent(key, bytes("x")),
        () => objects.read(key),
        () => objects.delete(key),
      ]) {
        await assert.rejects(
          call,
          (error) => isTidemarkError(error, "OBJECTS_BAD_KEY"),
          JSON.stringify(key),
        );
      }
    }
  });

  fact("a call whose signal is aborted throws and writes nothing", async (handle) => {
    const objects = handle();
    const signal = AbortSignal.abort();
    for (const call of [
      () => objects.put("k", bytes("x"), { signal }),
      () => objects.createIfAbsent("k", bytes("x"), { signal }),
      () => objects.read("k", undefined, { signal }),
    ]) {
      await assert.rejects(call, { name: "AbortError" });
    }
    assert.deepEqual(await keys(objects, ""), []);
  });
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array | null): string | null {
  return content === null ? null : new TextDecoder().decode(content);
}

async function keys(objects: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of objects.list(prefix, { after })) found.push(key);
  return found;
}
