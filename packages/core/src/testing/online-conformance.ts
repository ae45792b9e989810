/** The conformance suite of online stores. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Cell, CellWrite, Checkpoint, MetadataStep, OnlineStore } from "../spi.ts";
import { onlineBackupConformance } from "./backup-conformance.ts";
import { memoryOnlineStore } from "./memory-online.ts";

/** The online store of one test, and its handles. */
export interface OnlineStoreUnderTest {
  /** Makes another handle on the same store, not yet open. */
  store(): OnlineStore;
  /** Called when the test has ended and its handles are closed. */
  remove?(): Promise<void>;
}

/**
 * Declares the conformance tests of an online store, under any test runner.
 *
 * @example
 * onlineStoreConformance({
 *   test,
 *   make: async () => {
 *     const data = memoryOnlineData();
 *     return { store: () => memoryOnlineStore(data) };
 *   },
 * });
 */
export function onlineStoreConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an empty store for one test. */
  readonly make: () => Promise<OnlineStoreUnderTest>;
}): void {
  const { make } = options;

  function check(
    name: string,
    run: (newHandle: (namespace?: string) => Promise<OnlineStore>) => Promise<void>,
  ): void {
    options.test(name, async () => {
      const under = await make();
      const open: OnlineStore[] = [];
      try {
        await run(async (namespace = "test") => {
          const store = under.store();
          open.push(store);
          await store.open({ namespace });
          return store;
        });
      } finally {
        for (const store of open) await store.close();
        await under.remove?.();
      }
    });
  }

  check(
    "a read gives the cells in the order of the keys, duplicates twice, and null for no cell",
    async (newHandle) => {
      const store = await newHandle();
      assert.equal(
        await store.write({
          source: "s",
          cells: [putCell("a", "1"), putCell("b", "2")],
          positions: [],
        }),
        "done",
      );
      const cells = await store.read(["b", "?", "a", "b"].map(key));
      assert.deepEqual(cells.map(cellText), ["2", null, "1", "2"]);
      assert.equal(cells[0]!.version, cells[3]!.version);
      assert.deepEqual(await store.read([]), []);
    },
  );

  check("a scan gives the cells of a prefix in steps, and no other", async (newHandle) => {
    const store = await newHandle();
    const names = ["a", "b", "b1", "b2", "b\u00ff", "c"];
    await store.write({
      source: "s",
      cells: names.map((name) => putCell(name, `value of ${name}`)),
      positions: [],
    });
    for (const limit of [1, 2, 3, 4, 100]) {
      const found: string[] = [];
      let cursor: Uint8Array | null = null;
      for (let steps = 0; ; steps++) {
        const step = await store.scan({ prefix: key("b"), limit, cursor });
        assert.ok(step.cells.length <= limit, `at most ${limit} cells in a step`);
        for (const cell of step.cells) {
          const [read] = await store.read([cell.key]);
          assert.deepEqual([cell.version, cellText(cell)], [read!.version, cellText(read!)]);
          found.push(cellText(cell)!);
        }
        cursor = step.cursor;
        if (cursor === null) break;
        assert.ok(steps < 10, "a scan ends");
      }
      assert.deepEqual(
        found.sort(),
        ["b", "b1", "b2", "b\u00ff"].map((name) => `value of ${name}`),
      );
    }
    const none = await store.scan({ prefix: key("d"), limit: 5, cursor: null });
    assert.deepEqual(none, { cells: [], cursor: null });
    const other = await newHandle("other");
    assert.deepEqual(await other.scan({ prefix: key("b"), limit: 5, cursor: null }), none);
  });

  onlineBackupConformance(check);

  check("a purge leaves every cell as it is", async (newHandle) => {
    const store = await newHandle();
    if (store.purge === undefined) return;
    await store.write({
      source: "s",
      cells: [putCell("a", "1"), putCell("b", "2")],
      positions: [],
    });
    const [a] = await store.read([key("a")]);
    await store.write({
      source: "s",
      cells: [{ key: key("b"), value: null, expected: undefined, expires: null }],
      positions: [],
    });
    assert.equal(await store.purge(), true);
    const cells = await (await newHandle()).read(["a", "b"].map(key));
    assert.deepEqual(cells.map(cellText), ["1", null]);
    assert.equal(cells[0]!.version, a!.version);
  });

  check("a step of the metadata that changes no text only compares", async (newHandle) => {
    const store = await newHandle();
    const write = (expected: string | null): Promise<"done" | "conflict"> =>
      store.write({
        source: "s",
        cells: [putCell("a", String(expected))],
        positions: [],
        metadata: [{ key: "k", expected, next: expected }],
      });
    assert.equal(await write("1"), "conflict");
    assert.equal(await write(null), "done");
    assert.deepEqual(await store.metadata("s"), new Map());
    await store.write({
      source: "s",
      cells: [],
      positions: [],
      metadata: [{ key: "k", expected: null, next: "1" }],
    });
    assert.equal(await write(null), "conflict");
    assert.equal(await write("1"), "done");
    assert.deepEqual([...(await store.metadata("s"))], [["k", "1"]]);
  });

  check(
    "readIfChanged gives the same for a known version, the whole cell for another, null for none",
    async (newHandle) => {
      const [store, other] = [await newHandle(), await newHandle()];
      if (store.readIfChanged === undefined) return;
      assert.equal(
        await store.write({
          source: "s",
          cells: [putCell("a", "1"), putCell("b", "2")],
          positions: [],
        }),
        "done",
      );
      const names = ["a", "b", "?"];
      const readIfChanged = async (
        known: readonly (number | null)[],
        asked: readonly string[] = names,
      ): Promise<readonly (string | null)[]> =>
        (await store.readIfChanged!(asked.map(key), known)).map((cell) =>
          cell === "same" ? "same" : cellText(cell),
        );
      const [a, b] = await store.read(names.map(key));
      const known = [a!.version, b!.version, a!.version];
      assert.deepEqual(await readIfChanged(known), ["same", "same", null]);
      assert.deepEqual(await readIfChanged([null, b!.version + 1000, null]), ["1", "2", null]);
      for (const [of, all] of [
        [["a"], ["same"]],
        [
          ["a", "b"],
          ["same", "same"],
        ],
        [
          ["?", "a"],
          [null, "same"],
        ],
        [
          ["a", "?"],
          ["same", null],
        ],
      ] as const) {
        assert.deepEqual(
          await readIfChanged(
            of.map((name) => known[names.indexOf(name)]!),
            of,
          ),
          all,
        );
        assert.deepEqual(
          await readIfChanged(
            of.map(() => null),
            of,
          ),
          of.map((name) => (name === "?" ? null : { a: "1", b: "2" }[name])),
        );
      }
      // Read by another handle, with the same bytes.
      assert.equal(
        await other.write({ source: "s", cells: [putCell("b", "2")], positions: [] }),
        "done",
      );
      assert.deepEqual(await readIfChanged(known), ["same", "2", null]);
      assert.deepEqual(await readIfChanged(known.slice(0, 2), ["a", "b"]), ["same", "2"]);
      assert.deepEqual(await readIfChanged([b!.version, a!.version], ["b", "a"]), ["2", "same"]);
      assert.equal(
        await other.write({ source: "s", cells: [removeCell("a")], positions: [] }),
        "done",
      );
      assert.deepEqual(await readIfChanged(known), [null, "2", null]);
      assert.deepEqual(await store.readIfChanged([], []), []);
    },
  );

  check(
    "the change counter changes after a write of any handle, a removal and an expiry only",
    async (newHandle) => {
      const [store, other] = [await newHandle(), await newHandle()];
      if (store.changeCounter === undefined) return;
      const seen = new Set<number>();
      const step = async (run: () => Promise<unknown>): Promise<void> => {
        seen.add(store.changeCounter!());
        await store.read([key("a")]);
        await other.read([key("a")]);
        assert.equal(store.changeCounter!(), [...seen].at(-1));
        await run();
        assert.ok(!seen.has(store.changeCounter!()), "a write that the stamp does not tell");
      };
      for (const writer of [store, other]) {
        await step(() => writer.write({ source: "s", cells: [putCell("a", "1")], positions: [] }));
        await step(() => writer.write({ source: "s", cells: [putCell("a", "1")], positions: [] }));
        await step(() => writer.write({ source: "s", cells: [removeCell("a")], positions: [] }));
        await step(() =>
          writer.write({
            source: "s",
            cells: [{ ...putCell("a", "1"), expires: 5 }],
            positions: [],
          }),
        );
        await step(() => writer.deleteExpired({ before: 10, limit: 10, cursor: null }));
      }
      assert.equal(seen.size, 10);
    },
  );

  check("a cell is written only over the version that was read", async (newHandle) => {
    const store = await newHandle();
    await store.write({ source: "s", cells: [putCell("a", "1")], positions: [] });
    const { version } = (await readCell(store, "a"))!;
    assert.equal(
      await store.write({ source: "s", cells: [putCell("a", "2", version)], positions: [] }),
      "done",
    );
    assert.equal(
      await store.write({ source: "s", cells: [putCell("a", "3", version)], positions: [] }),
      "conflict",
    );
    assert.equal(
      await store.write({ source: "s", cells: [putCell("a", "3", null)], positions: [] }),
      "conflict",
    );
    assert.equal(
      await store.write({ source: "s", cells: [putCell("b", "3", version)], positions: [] }),
      "conflict",
    );
    assert.equal(cellText(await readCell(store, "a")), "2");
    assert.equal(await readCell(store, "b"), null);
  });

  check("a cell that is expected absent is written only if there is none", async (newHandle) => {
    const store = await newHandle();
    assert.equal(
      await store.write({ source: "s", cells: [putCell("a", "1", null)], positions: [] }),
      "done",
    );
    assert.equal(
      await store.write({ source: "s", cells: [putCell("a", "2", null)], positions: [] }),
      "conflict",
    );
    assert.equal(cellText(await readCell(store, "a")), "1");
  });

  check(
    "of a step, cells that are compared have the largest version, and versions of a cell rise",
    async (newHandle) => {
      const store = await newHandle();
      let last: number | null = null;
      for (let n = 0; n < 200; n++) {
        const below = ["1", "2", `new ${n}`];
        const cells: CellWrite[] = [
          ...below.map((name) => putCell(name, String(n))),
          putCell("top", "t", last),
        ];
        assert.equal(await store.write({ source: "s", cells, positions: [] }), "done");
        const [top, ...others] = await store.read(["top", ...below].map(key));
        assert.ok(last === null || top!.version > last);
        for (const other of others) assert.ok(other!.version <= top!.version);
        last = top!.version;
      }
    },
  );

  check("a write without an expected version replaces any cell", async (newHandle) => {
    const store = await newHandle();
    for (const value of ["1", "2"])
      assert.equal(
        await store.write({ source: "s", cells: [putCell("a", value)], positions: [] }),
        "done",
      );
    assert.equal(cellText(await readCell(store, "a")), "2");
    for (let i = 0; i < 2; i++)
      assert.equal(
        await store.write({ source: "s", cells: [removeCell("a")], positions: [] }),
        "done",
      );
    assert.equal(await readCell(store, "a"), null);
  });

  check("a cell is removed only at the version that was read", async (newHandle) => {
    const store = await newHandle();
    await store.write({ source: "s", cells: [putCell("a", "1")], positions: [] });
    const { version } = (await readCell(store, "a"))!;
    assert.equal(
      await store.write({ source: "s", cells: [removeCell("a", null)], positions: [] }),
      "conflict",
    );
    assert.equal(
      await store.write({ source: "s", cells: [removeCell("a", version)], positions: [] }),
      "done",
    );
    assert.equal(
      await store.write({ source: "s", cells: [removeCell("a", version)], positions: [] }),
      "conflict",
    );
    assert.equal(
      await store.write({ source: "s", cells: [removeCell("a", null)], positions: [] }),
      "done",
    );
    assert.equal(await readCell(store, "a"), null);
  });

  check(
    "every write changes the version, and no version comes back, even after a removal",
    async (newHandle) => {
      const [first, second] = [await newHandle(), await newHandle()];
      const seen = new Set<number>();
      for (let round = 0; round < 20; round++) {
        const store = round % 2 === 0 ? first : second;
        await store.write({ source: "s", cells: [putCell("a", "same")], positions: [] });
        seen.add((await readCell(store, "a"))!.version);
        if (round % 3 === 0)
          await store.write({ source: "s", cells: [removeCell("a")], positions: [] });
      }
      assert.equal(seen.size, 20);
      const old = [...seen].at(-1)!;
      await first.write({ source: "s", cells: [removeCell("a")], positions: [] });
      await first.write({ source: "s", cells: [putCell("a", "again", null)], positions: [] });
      assert.equal(
        await first.write({ source: "s", cells: [putCell("a", "late", old)], positions: [] }),
        "conflict",
      );
    },
  );

  check(
    "a position moves only from where it is expected, with its checkpoint",
    async (newHandle) => {
      const store = await newHandle();
      const step = (
        expected: number | null,
        next: number,
        checkpoint?: Checkpoint,
      ): Promise<string> =>
        store.write({
          source: "s",
          cells: [],
          positions: [{ partition: "t:0", expected, next, checkpoint }],
        });
      assert.deepEqual(await store.positions("s"), []);
      assert.equal(await step(0, 1), "conflict");
      assert.equal(await step(null, 0, { highestOrder: "7" }), "done");
      assert.equal(await step(null, 1), "conflict");
      assert.deepEqual(await store.positions("s"), [
        { partition: "t:0", offset: 0, checkpoint: { highestOrder: "7" } },
      ]);
      assert.equal(await step(0, 9007199254740991), "done");
      assert.deepEqual(await store.positions("s"), [
        { partition: "t:0", offset: 9007199254740991 },
      ]);
      assert.equal(await step(9007199254740991, 3), "done");
    },
  );

  check(
    "sources have their own positions, and partitions of one step move together or not",
    async (newHandle) => {
      const store = await newHandle();
      const at = (expected: number | null, next: number) =>
        ["t:0", "t:1"].map((partition) => ({ partition, expected, next }));
      assert.equal(await store.write({ source: "a", cells: [], positions: at(null, 5) }), "done");
      assert.equal(await store.write({ source: "b", cells: [], positions: at(null, 7) }), "done");
      assert.equal(
        await store.write({
          source: "a",
          cells: [],
          positions: [
            { partition: "t:0", expected: 5, next: 6 },
            { partition: "t:1", expected: 4, next: 6 },
          ],
        }),
        "conflict",
      );
      assert.deepEqual(
        (await store.positions("a")).map((p) => p.offset),
        [5, 5],
      );
      assert.deepEqual(
        (await store.positions("b")).map((p) => p.offset),
        [7, 7],
      );
    },
  );

  check("a position belongs to one generation of its partition", async (newHandle) => {
    const store = await newHandle();
    const move = (generation: number, expected: number | null, next: number): Promise<string> =>
      store.write({
        source: "s",
        cells: [],
        positions: [{ partition: "t:0", generation, expected, next }],
      });
    assert.equal(await move(0, null, 7), "done");
    assert.equal(await move(1, 7, 8), "conflict");
    assert.equal(await move(1, null, 3), "done");
    assert.equal(await move(12, null, 4), "done");
    assert.equal(await move(1, 3, 5), "done");
    const stored = [...(await (await newHandle()).positions("s"))];
    assert.deepEqual(
      stored.sort((a, b) => (a.generation ?? 0) - (b.generation ?? 0)),
      [
        { partition: "t:0", offset: 7 },
        { partition: "t:0", generation: 1, offset: 5 },
        { partition: "t:0", generation: 12, offset: 4 },
      ],
    );
  });

  check(
    "a text of the metadata is set only where it is as expected, with cells and positions",
    async (newHandle) => {
      const store = await newHandle();
      const set = (
        metadata: readonly MetadataStep[],
        source = "s",
        expected: number | null = null,
      ): Promise<string> =>
        store.write({
          source,
          cells: [putCell("a", "1")],
          positions: [{ partition: "p", expected, next: 1 }],
          metadata,
        });
      assert.deepEqual(await store.metadata("s"), new Map());
      assert.equal(await set([{ key: "k", expected: "", next: "1" }]), "conflict");
      assert.equal(await readCell(store, "a"), null);
      assert.deepEqual(await store.positions("s"), []);
      const texts = ["{}", `{"a":"☂ é 😀"}`, "x".repeat(10_000), "1"];
      let expected: string | null = null;
      for (const [i, next] of texts.entries()) {
        const steps: MetadataStep[] = [
          { key: "k", expected, next },
          { key: `n/${i}`, expected: null, next: String(i) },
        ];
        assert.equal(await set(steps, "s", i === 0 ? null : 1), "done");
        assert.equal((await store.metadata("s")).get("k"), next);
        expected = next;
      }
      assert.equal(await set([{ key: "k", expected: "2", next: "3" }], "s", 1), "conflict");
      assert.equal(await set([{ key: "k", expected: null, next: "3" }], "s", 1), "conflict");
      assert.equal(await set([{ key: "k", expected: "1", next: "2" }], "s", 9), "conflict");
      assert.equal(await set([{ key: "k", expected: null, next: "of t" }], "t"), "done");
      const other = await newHandle();
      assert.deepEqual(
        [...(await other.metadata("s"))].sort(([a], [b]) => (a < b ? -1 : 1)),
        [["k", "1"], ...texts.map((_, i) => [`n/${i}`, String(i)])],
      );
      assert.deepEqual(await other.metadata("t"), new Map([["k", "of t"]]));
    },
  );

  check("of writers that set one text at once, one wins each time", async (newHandle) => {
    const stores = [await newHandle(), await newHandle(), await newHandle()];
    const add = async (store: OnlineStore): Promise<void> => {
      for (let done = 0; done < 20;) {
        const expected = (await store.metadata("s")).get("count") ?? null;
        const metadata = [{ key: "count", expected, next: String(Number(expected ?? 0) + 1) }];
        if ((await store.write({ source: "s", cells: [], positions: [], metadata })) === "done")
          done++;
      }
    };
    await Promise.all(stores.map(add));
    assert.deepEqual(await stores[0]!.metadata("s"), new Map([["count", "60"]]));
  });

  check("one unexpected cell or position stops the whole step", async (newHandle) => {
    const store = await newHandle();
    await store.write({
      source: "s",
      cells: [putCell("m", "1")],
      positions: [{ partition: "p", expected: null, next: 1 }],
    });
    const { version } = (await readCell(store, "m"))!;
    const others = ["a", "z"].map((name) => putCell(name, "new", null));
    const moved = { partition: "p", expected: 1, next: 2 };
    assert.equal(
      await store.write({
        source: "s",
        cells: [...others, putCell("m", "2", version + 1)],
        positions: [moved],
      }),
      "conflict",
    );
    assert.equal(
      await store.write({
        source: "s",
        cells: [...others, putCell("m", "2", version)],
        positions: [{ ...moved, expected: 0 }],
      }),
      "conflict",
    );
    assert.equal(
      await store.write({
        source: "s",
        cells: [...others, removeCell("m", null)],
        positions: [moved],
      }),
      "conflict",
    );
    assert.deepEqual((await store.read(["a", "m", "z"].map(key))).map(cellText), [null, "1", null]);
    assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 1 }]);
    assert.equal(
      await store.write({
        source: "s",
        cells: [...others, putCell("m", "2", version)],
        positions: [moved],
      }),
      "done",
    );
    assert.deepEqual((await store.read(["a", "m", "z"].map(key))).map(cellText), [
      "new",
      "2",
      "new",
    ]);
    assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 2 }]);
  });

  check(
    "a step that writes a cell, a position or a text twice is ONLINE_STORE_TWICE, and is not done",
    async (newHandle) => {
      const store = await newHandle();
      await assert.rejects(
        store.write({
          source: "s",
          cells: [putCell("a", "1"), putCell("b", "1"), putCell("a", "2")],
          positions: [],
        }),
        { code: "ONLINE_STORE_TWICE" },
      );
      const twice = [1, 2].map((next) => ({ partition: "p", expected: null, next }));
      await assert.rejects(
        store.write({ source: "s", cells: [putCell("a", "1")], positions: twice }),
        { code: "ONLINE_STORE_TWICE" },
      );
      await assert.rejects(
        store.write({
          source: "s",
          cells: [putCell("a", "1")],
          positions: [],
          metadata: [1, 2].map((next) => ({ key: "k", expected: null, next: String(next) })),
        }),
        { code: "ONLINE_STORE_TWICE" },
      );
      assert.equal(await readCell(store, "a"), null);
    },
  );

  check("random steps give the results of the store in memory", async (newHandle) => {
    const [stores, model, random] = [
      [await newHandle(), await newHandle()],
      memoryOnlineStore(),
      seededRandom(3),
    ];
    await model.open({ namespace: "test" });
    const names = ["", "a", "b", "c"];
    // For each side: the versions that a cell had, by the number of the step that gave them.
    const history: [store: number, model: number][][] = names.map(() => []);
    const results = { done: 0, conflict: 0 };
    for (let round = 0; round < 1500; round++) {
      const store = stores[random() % 2]!;
      const [there, modelled] = [
        await store.read(names.map(key)),
        await model.read(names.map(key)),
      ];
      assert.deepEqual(there.map(cellText), modelled.map(cellText), `after ${round} steps`);
      names.forEach((_, n) => {
        const pair: [number, number] = [there[n]?.version ?? 0, modelled[n]?.version ?? 0];
        if (there[n] !== null && history[n]!.at(-1)?.[0] !== pair[0]) history[n]!.push(pair);
      });
      const [cells, twins]: [CellWrite[], CellWrite[]] = [[], []];
      names.forEach((name, n) => {
        if (random() % 2 === 0) return;
        const past = history[n]!;
        const choice = random() % 16;
        // Mostly the current version, sometimes a past one, none, or any.
        const expected =
          choice === 0
            ? past[random() % Math.max(past.length, 1)]
            : choice === 1
              ? null
              : choice === 2
                ? undefined
                : there[n] === null
                  ? null
                  : past.at(-1);
        const write = random() % 4 === 0 ? removeCell(name) : putCell(name, String(round));
        cells.push({ ...write, expected: expected?.[0] ?? (expected as null | undefined) });
        twins.push({ ...write, expected: expected?.[1] ?? (expected as null | undefined) });
      });
      const [at] = await model.positions("s");
      const positions =
        random() % 2 === 0
          ? []
          : [
              {
                partition: "p",
                expected: random() % 8 === 0 ? random() % 5 : (at?.offset ?? null),
                next: random() % 5,
              },
            ];
      const result = await store.write({ source: "s", cells, positions });
      assert.equal(
        result,
        await model.write({ source: "s", cells: twins, positions }),
        `step ${round}`,
      );
      assert.deepEqual(await store.positions("s"), await model.positions("s"));
      results[result]++;
    }
    assert.ok(
      results.done > 300 && results.conflict > 300,
      `${results.done} done, ${results.conflict} conflicts: the test has shown little`,
    );
  });

  check("interleaved writers of one cell lose and double no write", async (newHandle) => {
    const [writers, steps] = [4, 60];
    let conflicts = 0;
    async function write(writer: number): Promise<void> {
      const store = await newHandle();
      const random = seededRandom(writer + 1);
      for (let offset = 0; offset < steps;) {
        const cell = await readCell(store, "counter");
        for (let pause = random() % 3; pause > 0; pause--) await setImmediate();
        const result = await store.write({
          source: "s",
          cells: [
            putCell("counter", String(Number(cellText(cell) ?? "0") + 1), cell?.version ?? null),
            putCell(`own${writer}`, String(offset)),
          ],
          positions: [
            { partition: `p${writer}`, expected: offset === 0 ? null : offset - 1, next: offset },
          ],
        });
        if (result === "done") offset++;
        else conflicts++;
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    const store = await newHandle();
    assert.equal(cellText(await readCell(store, "counter")), String(writers * steps));
    assert.deepEqual(
      (await store.positions("s")).map((p) => p.offset),
      Array.from({ length: writers }, () => steps - 1),
    );
    assert.ok(conflicts > 0, "the writers never met: the test has shown nothing");
  });

  check("a fenced writer changes nothing", async (newHandle) => {
    const [old, fresh] = [await newHandle(), await newHandle()];
    await old.write({
      source: "s",
      cells: [putCell("a", "old")],
      positions: [{ partition: "p", expected: null, next: 10 }],
    });
    await fresh.write({
      source: "s",
      cells: [putCell("a", "fresh")],
      positions: [{ partition: "p", expected: 10, next: 20 }],
    });
    // The step checks no cell, so only its position shows that it is late.
    assert.equal(
      await old.write({
        source: "s",
        cells: [putCell("a", "late"), putCell("b", "late")],
        positions: [{ partition: "p", expected: 10, next: 11 }],
      }),
      "conflict",
    );
    assert.deepEqual((await old.read([key("a"), key("b")])).map(cellText), ["fresh", null]);
    assert.deepEqual(await old.positions("s"), [{ partition: "p", offset: 20 }]);
  });

  check("a read is one snapshot while another handle writes", async (newHandle) => {
    const [reader, writer] = [await newHandle(), await newHandle()];
    const names = Array.from({ length: 20 }, (_, i) => `k${i}`);
    let writing = true;
    const written = (async () => {
      for (let round = 0; round < 100; round++) {
        await writer.write({
          source: "s",
          cells: names.map((name) => putCell(name, String(round))),
          positions: [],
        });
        await setImmediate();
      }
      writing = false;
    })();
    const seen = new Set<string | null>();
    while (writing) {
      const values = new Set((await reader.read(names.map(key))).map(cellText));
      assert.equal(values.size, 1, `one read saw ${[...values].join(" and ")}`);
      for (const value of values) seen.add(value);
      await setImmediate();
    }
    await written;
    assert.ok(seen.size > 1, "the reader never met the writer: the test has shown nothing");
  });

  check("a handle reads at once what another handle wrote", async (newHandle) => {
    const [a, b] = [await newHandle(), await newHandle()];
    for (let round = 0; round < 10; round++) {
      await a.write({
        source: "s",
        cells: [putCell("a", String(round))],
        positions: [{ partition: "p", expected: round === 0 ? null : round - 1, next: round }],
      });
      assert.equal(cellText(await readCell(b, "a")), String(round));
      assert.deepEqual(await b.positions("s"), [{ partition: "p", offset: round }]);
    }
  });

  check(
    "two keys that are read again and again are as another handle has left them",
    async (newHandle) => {
      const [reader, writer] = [await newHandle(), await newHandle()];
      const [first, second] = [key("a"), key("b")];
      const seen = async (): Promise<readonly (string | null)[]> => {
        const cells = await reader.read([first, second]);
        const values = cells.map(cellText);
        for (const cell of cells) cell?.value.fill(0);
        return values;
      };
      const write = (...cells: readonly CellWrite[]): Promise<unknown> =>
        writer.write({ source: "s", cells, positions: [] });
      const versions = new Set<number>();
      for (let round = 0; round < 3; round++) {
        await write(putCell("a", `a${round}`), putCell("b", `b${round}`));
        for (let again = 0; again < 3; again++)
          assert.deepEqual(await seen(), [`a${round}`, `b${round}`]);
        versions.add((await reader.read([first, second]))[0]!.version);
        await write(putCell("b", "other"));
        assert.deepEqual(await seen(), [`a${round}`, "other"]);
        await write({ key: key("b"), value: null, expected: undefined, expires: null });
        assert.deepEqual(await seen(), [`a${round}`, null]);
        await write({ key: key("a"), value: null, expected: undefined, expires: null });
        assert.deepEqual(await seen(), [null, null]);
        await write(putCell("b", "alone"));
        assert.deepEqual(await seen(), [null, "alone"]);
      }
      assert.equal(versions.size, 3);
      await write(putCell("a", "a"), putCell("c", "c"));
      assert.deepEqual(await seen(), ["a", "alone"]);
      first.set(key("c"));
      assert.deepEqual(await seen(), ["c", "alone"]);
    },
  );

  check(
    "keys are bytes: empty, prefixes of each other, 0 and 255, invalid UTF-8, long",
    async (newHandle) => {
      const store = await newHandle();
      const keys = [
        [],
        [0],
        [0, 0],
        [255],
        [255, 255],
        [255, 0],
        [1, 2],
        [1, 2, 3],
        [0xc3, 0x28],
        [0xed, 0xa0, 0x80],
        [39, 34, 37],
      ].map((bytes) => Uint8Array.from(bytes));
      keys.push(
        new Uint8Array(3000).fill(7),
        new Uint8Array(3000).fill(7, 0, 2999),
        ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(9, byte)),
      );
      const value = (i: number): Uint8Array => Uint8Array.of(i & 255, i >> 8);
      assert.equal(
        await store.write({
          source: "s",
          cells: keys.map((k, i) => ({ key: k, value: value(i), expected: null, expires: null })),
          positions: [],
        }),
        "done",
      );
      const cells = await store.read(keys);
      keys.forEach((_, i) => {
        assert.deepEqual(bytesOf(cells[i]!), bytesOf({ value: value(i), version: 0 }));
      });
    },
  );

  check("values are bytes: empty, every byte, 1 MiB", async (newHandle) => {
    const store = await newHandle();
    const random = seededRandom(7);
    const values = [
      new Uint8Array(0),
      Uint8Array.from({ length: 256 }, (_, i) => i),
      Uint8Array.from({ length: 1 << 20 }, () => random() & 255),
    ];
    await store.write({
      source: "s",
      cells: values.map((value, i) => ({
        key: key(`v${i}`),
        value,
        expected: null,
        expires: null,
      })),
      positions: [],
    });
    const cells = await store.read(values.map((_, i) => key(`v${i}`)));
    values.forEach((value, i) => {
      assert.ok(Buffer.from(value).equals(cells[i]!.value), `value ${i}`);
    });
    const part = values[1]!.subarray(10, 20);
    await store.write({
      source: "s",
      cells: [{ key: key("part"), value: part, expected: null, expires: null }],
      positions: [],
    });
    assert.ok(Buffer.from(part).equals((await readCell(store, "part"))!.value));
  });

  check("the store shares no bytes with its caller", async (newHandle) => {
    const store = await newHandle();
    const [name, value] = [key("a"), key("1")];
    await store.write({
      source: "s",
      cells: [{ key: name, value, expected: null, expires: null }],
      positions: [],
    });
    name.fill(0);
    value.fill(0);
    (await readCell(store, "a"))!.value.fill(0);
    assert.equal(cellText(await readCell(store, "a")), "1");
  });

  check("deleteCells removes the cells of a prefix, in bounded steps", async (newHandle) => {
    const store = await newHandle();
    const names = [...Array.from({ length: 25 }, (_, i) => `a/${i}`), "a", "b/1"];
    await store.write({ source: "s", cells: names.map((one) => putCell(one, one)), positions: [] });
    const prefix = putCell("a/", "").key;
    let [removed, steps, cursor] = [0, 0, null as Uint8Array | null];
    do {
      const step = await store.deleteCells({ prefix, limit: 10, cursor });
      assert.ok(step.removed <= 10);
      [removed, cursor] = [removed + step.removed, step.cursor];
      assert.ok(++steps <= 100, "the cursor does not come to an end");
    } while (cursor !== null);
    assert.equal(removed, 25);
    const left = await store.read(names.map((one) => putCell(one, "").key));
    assert.deepEqual(
      left.map((cell) => cell !== null),
      names.map((_, i) => i >= 25),
    );
  });

  check(
    "deleteExpired removes cells that expired before its time, in bounded steps",
    async (newHandle) => {
      const store = await newHandle();
      const cells = Array.from({ length: 200 }, (_, i): CellWrite => ({
        ...putCell(`c${i}`, String(i)),
        expires: i % 4 === 0 ? null : (i % 4) * 1e15,
      }));
      await store.write({
        source: "s",
        cells,
        positions: [{ partition: "p", expected: null, next: 1 }],
      });
      const swept = async (before: number, limit: number): Promise<number> => {
        let [removed, steps, cursor] = [0, 0, null as Uint8Array | null];
        do {
          const step = await store.deleteExpired({ before, limit, cursor });
          assert.ok(step.removed <= limit);
          [removed, cursor] = [removed + step.removed, step.cursor];
          assert.ok(++steps <= 1000, "the cursor does not come to an end");
        } while (cursor !== null);
        return removed;
      };
      assert.equal(await swept(1e15, 1000), 0);
      assert.equal(await swept(1e15 + 1, 7), 50);
      assert.equal(await swept(1e15 + 1, 7), 0);
      assert.equal(await swept(3e15, 13), 50);
      assert.equal(await swept(4e15, 1), 50);
      const left = (await store.read(cells.map((cell) => cell.key))).flatMap((cell, i) =>
        cell === null ? [] : [i],
      );
      assert.deepEqual(
        left,
        cells.flatMap((_, i) => (i % 4 === 0 ? [i] : [])),
      );
      assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 1 }]);
    },
  );

  check(
    "an expired cell conflicts with the version that was read, and a write renews its expiry",
    async (newHandle) => {
      const store = await newHandle();
      await store.write({
        source: "s",
        cells: [
          { ...putCell("gone", "1"), expires: 5 },
          { ...putCell("renewed", "1"), expires: 5 },
          { ...putCell("kept", "1"), expires: 5 },
        ],
        positions: [],
      });
      const { version } = (await readCell(store, "gone"))!;
      await store.write({
        source: "s",
        cells: [{ ...putCell("renewed", "2"), expires: 100 }, putCell("kept", "2")],
        positions: [],
      });
      assert.deepEqual(await store.deleteExpired({ before: 50, limit: 100, cursor: null }), {
        removed: 1,
        cursor: null,
      });
      assert.equal(
        await store.write({ source: "s", cells: [putCell("gone", "2", version)], positions: [] }),
        "conflict",
      );
      assert.deepEqual((await store.read(["gone", "renewed", "kept"].map(key))).map(cellText), [
        null,
        "2",
        "2",
      ]);
    },
  );

  check("cells that are written during deleteExpired are not lost", async (newHandle) => {
    const store = await newHandle();
    await store.write({
      source: "s",
      cells: Array.from({ length: 50 }, (_, i) => ({ ...putCell(`c${i}`, "1"), expires: 1 })),
      positions: [],
    });
    let cursor: Uint8Array | null = null;
    let round = 0;
    do {
      ({ cursor } = await store.deleteExpired({ before: 10, limit: 5, cursor }));
      await store.write({ source: "s", cells: [putCell(`new${round++}`, "1")], positions: [] });
    } while (cursor !== null && round < 100);
    const cells = await store.read(Array.from({ length: round }, (_, i) => key(`new${i}`)));
    assert.ok(cells.every((cell) => cell !== null));
  });

  check(
    "reopening keeps cells, versions, positions and metadata, and no version comes back",
    async (newHandle) => {
      const first = await newHandle();
      await first.write({
        source: "s",
        cells: [putCell("a", "1"), putCell("b", "1")],
        positions: [{ partition: "p", expected: null, next: 4, checkpoint: { highestOrder: "5" } }],
        metadata: [{ key: "k", expected: null, next: "[1]" }],
      });
      const before = (await readCell(first, "a"))!;
      const removed = (await readCell(first, "b"))!;
      await first.write({ source: "s", cells: [removeCell("b")], positions: [] });
      await first.close();
      const second = await newHandle();
      assert.deepEqual(await second.positions("s"), [
        { partition: "p", offset: 4, checkpoint: { highestOrder: "5" } },
      ]);
      assert.deepEqual(await second.metadata("s"), new Map([["k", "[1]"]]));
      const after = (await readCell(second, "a"))!;
      assert.deepEqual([cellText(after), after.version], ["1", before.version]);
      await second.write({
        source: "s",
        cells: [putCell("b", "2", null), putCell("a", "2", after.version)],
        positions: [],
      });
      assert.equal(
        await second.write({
          source: "s",
          cells: [putCell("b", "3", removed.version)],
          positions: [],
        }),
        "conflict",
      );
      assert.equal(
        await second.write({
          source: "s",
          cells: [putCell("a", "3", after.version)],
          positions: [],
        }),
        "conflict",
      );
    },
  );

  check(
    "a namespace has its own cells, positions and metadata, and deleteExpired stays in it",
    async (newHandle) => {
      const [a, b] = [await newHandle("a"), await newHandle("b")];
      await a.write({
        source: "s",
        cells: [{ ...putCell("k", "of a"), expires: 1 }],
        positions: [{ partition: "p", expected: null, next: 1 }],
        metadata: [{ key: "k", expected: null, next: "of a" }],
      });
      assert.equal(await readCell(b, "k"), null);
      assert.deepEqual(await b.positions("s"), []);
      assert.deepEqual(await b.metadata("s"), new Map());
      assert.equal(
        await b.write({
          source: "s",
          cells: [{ ...putCell("k", "of b", null), expires: 1 }],
          positions: [{ partition: "p", expected: null, next: 2 }],
        }),
        "done",
      );
      assert.equal((await b.deleteExpired({ before: 2, limit: 10, cursor: null })).removed, 1);
      assert.equal(cellText(await readCell(a, "k")), "of a");
      assert.deepEqual(await a.positions("s"), [{ partition: "p", offset: 1 }]);
    },
  );

  check(
    "a store opens again for its own namespace only, and a closed store throws",
    async (newHandle) => {
      const store = await newHandle();
      await store.write({ source: "s", cells: [putCell("a", "1")], positions: [] });
      await store.open({ namespace: "test" });
      assert.equal(cellText(await readCell(store, "a")), "1");
      await assert.rejects(store.open({ namespace: "other" }), {
        code: "ONLINE_STORE_OTHER_NAMESPACE",
      });
      await store.close();
      await store.close();
      await assert.rejects(store.read([key("a")]), { code: "ONLINE_STORE_NOT_OPEN" });
      await assert.rejects(store.write({ source: "s", cells: [], positions: [] }), {
        code: "ONLINE_STORE_NOT_OPEN",
      });
      await assert.rejects(store.positions("s"), { code: "ONLINE_STORE_NOT_OPEN" });
      await assert.rejects(store.deleteExpired({ before: 1, limit: 1, cursor: null }), {
        code: "ONLINE_STORE_NOT_OPEN",
      });
    },
  );
}

function key(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

function putCell(name: string, value: string, expected?: number | null): CellWrite {
  return { key: key(name), value: new TextEncoder().encode(value), expected, expires: null };
}

function removeCell(name: string, expected?: number | null): CellWrite {
  return { key: key(name), value: null, expected, expires: null };
}

async function readCell(store: OnlineStore, name: string): Promise<Cell | null> {
  return (await store.read([key(name)]))[0]!;
}

function cellText(cell: Cell | null): string | null {
  return cell === null ? null : new TextDecoder().decode(cell.value);
}

function bytesOf(cell: Cell): number[] {
  return [...cell.value];
}

/** Numbers from 0 to 2^31 − 1. They are the same for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >>> 8;
}
