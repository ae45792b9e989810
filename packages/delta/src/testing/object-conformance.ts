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
  function check(name: string, run: (newHandle: () => ObjectStore) => Promise<void>): void {
    options.test(name, async () => {
      const underTest = await options.make();
      try {
        await run(() => underTest.objects());
      } finally {
        await underTest.remove?.();
      }
    });
  }

  check("an object that was never written is not there", async (newHandle) => {
    const objects = newHandle();
    assert.equal(await objects.read("a/b"), null);
    assert.equal(await objects.read("a/b", { from: 0, to: 10 }), null);
    assert.equal(await objects.size("a/b"), null);
    assert.deepEqual(await listKeys(objects, ""), []);
    await objects.delete("a/b");
  });

  check("what was put is read, whole and by ranges, by every handle", async (newHandle) => {
    await newHandle().put("a/b/c.bin", utf8Bytes("hello world"));
    const objects = newHandle();
    assert.equal(utf8Text(await objects.read("a/b/c.bin")), "hello world");
    assert.equal(await objects.size("a/b/c.bin"), 11);
    for (const [from, to, expected] of [
      [0, 5, "hello"],
      [6, 11, "world"],
      [6, 99, "world"],
      [11, 20, ""],
      [3, 3, ""],
    ] as const)
      assert.equal(utf8Text(await objects.read("a/b/c.bin", { from, to })), expected);
    assert.equal(await objects.read("a/b"), null, "a prefix is no object");
    assert.equal(await objects.size("a/b"), null);
  });

  check("a put replaces; an empty object is an object", async (newHandle) => {
    const objects = newHandle();
    await objects.put("x", utf8Bytes("a long content"));
    await objects.put("x", utf8Bytes(""));
    assert.equal(utf8Text(await objects.read("x")), "");
    assert.equal(await objects.size("x"), 0);
  });

  check("a put of pieces is whole or nothing", async (newHandle) => {
    const objects = newHandle();
    const pieces = async function* (fail: boolean): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 300; i++) yield utf8Bytes(`${i},`.padEnd(1000, "."));
      if (fail) throw new Error("the writer died");
    };
    await objects.put("p", pieces(false));
    assert.equal(await objects.size("p"), 300_000);
    await assert.rejects(() => objects.put("p", pieces(true)), /the writer died/);
    await assert.rejects(() => objects.put("q", pieces(true)), /the writer died/);
    assert.equal(await objects.size("p"), 300_000);
    assert.equal(await objects.size("q"), null);
    assert.deepEqual(await listKeys(objects, ""), ["p"]);
  });

  check("a create succeeds once, and leaves what is there as it is", async (newHandle) => {
    const objects = newHandle();
    assert.equal(await objects.createIfAbsent("log/0.json", utf8Bytes("first")), true);
    assert.equal(await objects.createIfAbsent("log/0.json", utf8Bytes("second")), false);
    assert.equal(await newHandle().createIfAbsent("log/0.json", utf8Bytes("third")), false);
    assert.equal(utf8Text(await objects.read("log/0.json")), "first");
    await objects.delete("log/0.json");
    assert.equal(await objects.createIfAbsent("log/0.json", utf8Bytes("fourth")), true);
  });

  check("of forty racing creates one wins, and its content is there", async (newHandle) => {
    for (let round = 0; round < 5; round++) {
      const key = `race/${round}`;
      const won = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          newHandle().createIfAbsent(key, utf8Bytes(`writer ${i}`)),
        ),
      );
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(utf8Text(await newHandle().read(key)), `writer ${won.indexOf(true)}`);
    }
  });

  check(
    "a list has the objects under a prefix, in the order of their keys, after the key asked",
    async (newHandle) => {
      const objects = newHandle();
      const all = ["a", "b/1", "b/10", "b/2", "b/c/d", "b.x", "ba/1", "é/1", "😀/1", "\uffff/1"];
      for (const key of [...all].reverse()) await objects.put(key, utf8Bytes(key));
      const order = [...all].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      assert.deepEqual(await listKeys(newHandle(), ""), order);
      assert.deepEqual(await listKeys(objects, "b/"), ["b/1", "b/10", "b/2", "b/c/d"]);
      assert.deepEqual(await listKeys(objects, "b"), [
        "b.x",
        "b/1",
        "b/10",
        "b/2",
        "b/c/d",
        "ba/1",
      ]);
      assert.deepEqual(await listKeys(objects, "b/1"), ["b/1", "b/10"]);
      assert.deepEqual(await listKeys(objects, "b/", "b/10"), ["b/2", "b/c/d"]);
      assert.deepEqual(await listKeys(objects, "b/", "b/15"), ["b/2", "b/c/d"]);
      assert.deepEqual(await listKeys(objects, "nothing/"), []);
      for await (const info of objects.list("b/1")) {
        assert.equal(info.size, Buffer.byteLength(info.key));
        assert.ok(Math.abs(info.modified - Date.now()) < 600_000, "modified is a time in ms");
      }
    },
  );

  check(
    "many objects go at once, those that were not there too; the others stay",
    async (newHandle) => {
      const objects = newHandle();
      if (objects.deleteAll === undefined) return;
      await objects.deleteAll([]);
      for (const key of ["t/1", "t/2", "t/a b+c", "u/1"]) await objects.put(key, utf8Bytes(key));
      await objects.deleteAll(["t/1", "t/a b+c", "t/never"]);
      assert.deepEqual(await listKeys(newHandle(), ""), ["t/2", "u/1"]);
    },
  );

  check("keys may hold what Delta's paths hold", async (newHandle) => {
    const objects = newHandle();
    for (const key of [
      "t/a=1/b=x%20y/part-1.parquet",
      "t/a=%C3%A9/p",
      "t/a b/c+d&e#f?g",
      "t/_delta_log/00000000000000000000.json",
      "t/ä☂/p",
    ]) {
      await objects.put(key, utf8Bytes(key));
      assert.equal(utf8Text(await newHandle().read(key)), key);
      assert.deepEqual(await listKeys(objects, key), [key]);
    }
  });

  check("a key that could lead out of the store is refused", async (newHandle) => {
    const objects = newHandle();
    for (const key of ["", "/etc/passwd", "a/../../b", "..", "a//b", "a/./b", "a/", "a\0b"]) {
      for (const call of [
        () => objects.put(key, utf8Bytes("x")),
        () => objects.createIfAbsent(key, utf8Bytes("x")),
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

  check("a call whose signal is aborted throws and writes nothing", async (newHandle) => {
    const objects = newHandle();
    const signal = AbortSignal.abort();
    for (const call of [
      () => objects.put("k", utf8Bytes("x"), { signal }),
      () => objects.createIfAbsent("k", utf8Bytes("x"), { signal }),
      () => objects.read("k", undefined, { signal }),
    ]) {
      await assert.rejects(call, { name: "AbortError" });
    }
    assert.deepEqual(await listKeys(objects, ""), []);
  });
}

function utf8Bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function utf8Text(content: Uint8Array | null): string | null {
  return content === null ? null : new TextDecoder().decode(content);
}

async function listKeys(objects: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of objects.list(prefix, { after })) found.push(key);
  return found;
}
