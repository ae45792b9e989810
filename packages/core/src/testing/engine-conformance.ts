/**
 * The conformance suite of compute engines (laws 1 to 3 and 7 to 9: windows, validity, one answer,
 * order and missing values).
 */
import { scalarFunction } from "../expr/scalar-functions.ts";
import assert from "node:assert/strict";
import { callExpression, literalExpression } from "../expr/tree.ts";
import type { Value, WindowSpec } from "../specs.ts";
import type { ComputeEngine, Events } from "../spi.ts";
import {
  windowPlan,
  columnOf,
  entityRows,
  eventRow,
  eventsOf,
  latestPlan,
  latest,
  over,
  overRows,
  type NamedRow,
} from "./engine-cases.ts";
import { engineQueries, type EngineQueries } from "./engine-queries.ts";

/**
 * Times at which the tests ask: after 1970, before it, at the epoch, and near the last possible
 * time.
 */
const ANSWER_TIMES = [1_741_064_767_123_456, -5_000_000, 0, 2 ** 53 - 1_000_000];

/**
 * Declares the conformance tests of a compute engine, under any test runner.
 * An engine that cannot be exact refuses a plan with `ENGINE_CANNOT`. An engine that answers must
 * be exact.
 *
 * @example
 * computeEngineConformance({ test, make: async () => myEngine() });
 */
export function computeEngineConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an engine for one test. */
  readonly make: () => Promise<ComputeEngine>;
}): void {
  const { make } = options;

  function check(name: string, run: (queries: EngineQueries) => Promise<void>): void {
    options.test(name, async () => {
      await run(engineQueries(await make()));
    });
  }

  check(
    "a window of w asked at t holds t − w and t − 1, not t − w − 1, not t (law 1)",
    async (queries) => {
      for (const t of ANSWER_TIMES) {
        for (const [time, count] of [
          [t - 101, 0n],
          [t - 100, 1n],
          [t - 99, 1n],
          [t - 1, 1n],
          [t, 0n],
          [t + 1, 0n],
        ] as const) {
          assert.deepEqual(
            await queries.answerOne(over("count", null, 100), [eventRow(0, time)], t),
            [count, count === 1n ? "PRESENT" : "NOT_FOUND", count === 1n ? time : null],
            `${time - t} from t`,
          );
        }
      }
    },
  );

  check("a version is seen while known from < t ≤ known to (law 6)", async (queries) => {
    const row = eventRow(0, 50, {}, { from: 60, to: 80 });
    const counts = [];
    for (const t of [51, 60, 61, 80, 81])
      counts.push((await queries.answerOne(over("count", null, 100), [row], t))[0]);
    assert.deepEqual(counts, [0n, 0n, 1n, 1n, 0n]);
    assert.deepEqual(
      await queries.answerOne(
        over("count", null, 100),
        [eventRow(0, 50, {}, { from: 70, to: 70 })],
        70,
      ),
      [0n, "NOT_FOUND", null],
    );
    assert.deepEqual(
      await queries.answerOne(over("count", null, 100), [eventRow(0, 90, {}, { from: 60 })], 90),
      [0n, "NOT_FOUND", null],
    );
  });

  check(
    "versions of a row are never seen together, and may leave in any order",
    async (queries) => {
      const rows = [
        eventRow(0, 10, { n: 1n }, { from: 10, to: 30 }),
        eventRow(0, 10, { n: 2n }, { from: 30, to: 90 }),
        eventRow(0, 12, { n: 100n }, { from: 12, to: 20 }),
      ];
      const sums = [];
      for (const t of [11, 13, 20, 21, 30, 31, 90, 91])
        sums.push((await queries.answerOne(over("sum", "n", 1000), rows, t))[0]);
      assert.deepEqual(sums, [1n, 101n, 101n, 1n, 1n, 2n, 2n, 0n]);
    },
  );

  check(
    "without events counts and sums are 0, other features null, and all NOT_FOUND (law 7)",
    async (queries) => {
      const features = [
        over("count", null, 10),
        over("count", "x", 10),
        over("countDistinct", "s", 10),
        over("sum", "n", 10),
        over("sum", "d", 10),
        over("avg", "n", 10),
        over("min", "s", 10),
        over("max", "x", 10),
      ];
      const nothing = [0n, 0n, 0n, 0n, 0n, null, null, null].map((value) => [
        value,
        "NOT_FOUND",
        null,
      ]);
      for (const rows of [
        [],
        [eventRow(-1, 95)],
        [eventRow(1, 95)],
        [eventRow(0, 100), eventRow(0, 89)],
      ]) {
        assert.deepEqual(await queries.answerEach(windowPlan(...features), rows, 100), nothing);
      }
      for (const rows of [[], [eventRow(-1, 95)], [eventRow(0, 101)]])
        assert.deepEqual(await queries.answerOne(latest("s"), rows, 100), [
          null,
          "NOT_FOUND",
          null,
        ]);
      await queries.answer(
        windowPlan(over("count", null, 10)),
        eventsOf(windowPlan(over("count", null, 10)), []),
        entityRows([0, 1]),
      );
    },
  );

  check("no entity rows give one empty list of answers per feature", async (queries) => {
    for (const plan of [
      windowPlan(over("count", null, 10), over("max", "x", 10)),
      latestPlan(null, latest("x"), latest("s")),
    ]) {
      const answers = await queries.answer(plan, eventsOf(plan, [eventRow(-1, 1)]), entityRows());
      assert.deepEqual(
        answers.map(({ values, statuses, times }) => [
          values.length,
          statuses.length,
          times.length,
        ]),
        [
          [0, 0, 0],
          [0, 0, 0],
        ],
      );
    }
  });

  check(
    "answer i belongs to row i, with duplicates, unmatched rows and times in any order (law 8)",
    async (queries) => {
      const rows = entityRows([1, 20], [0, 20], [2, 20], [1, 20], [0, 5], [1, 12]);
      const plan = windowPlan(over("sum", "n", 100));
      const answers = await queries.answer(
        plan,
        eventsOf(plan, [
          eventRow(1, 11, { n: 7n }),
          eventRow(0, 3, { n: 1n }),
          eventRow(1, 15, { n: 30n }),
        ]),
        rows,
      );
      assert.deepEqual(answers[0]!.values, [37n, 1n, 0n, 37n, 1n, 7n]);
      assert.deepEqual(answers[0]!.statuses, [
        "PRESENT",
        "PRESENT",
        "NOT_FOUND",
        "PRESENT",
        "PRESENT",
        "PRESENT",
      ]);
      assert.deepEqual([...answers[0]!.times], [15, 3, NaN, 15, 3, 11]);
    },
  );

  check(
    "the view's longest window decides whether a window feature is NOT_FOUND (law 7)",
    async (queries) => {
      const plan = windowPlan(
        over("max", "x", 10),
        over("max", "x", 100),
        over("max", "x", 1000, {
          where: callExpression(scalarFunction("isNull"), [columnOf("x")]),
        }),
      );
      assert.deepEqual(await queries.answerEach(plan, [eventRow(0, 500, { x: 3 })], 550), [
        [null, "NULL_VALUE", 500],
        [3, "PRESENT", 500],
        [null, "NULL_VALUE", 500],
      ]);
      assert.deepEqual(
        await queries.answerEach(
          plan,
          [eventRow(0, 500, { x: null }), eventRow(0, 400, { x: 3 })],
          550,
        ),
        [
          [null, "NULL_VALUE", 500],
          [null, "NULL_VALUE", 500],
          [null, "NULL_VALUE", 500],
        ],
      );
      assert.deepEqual(await queries.answerEach(plan, [eventRow(0, 500, { x: 3 })], 1501), [
        [null, "NOT_FOUND", null],
        [null, "NOT_FOUND", null],
        [null, "NOT_FOUND", null],
      ]);
    },
  );

  check("lastRows holds the newest rows that pass, in the order of rows", async (queries) => {
    const isThere = callExpression(scalarFunction("isNotNull"), [columnOf("x")]);
    const newest = (count: number, within: number | null): WindowSpec => ({
      kind: "lastRows",
      count,
      within,
    });
    // Of one time: by the created column, whose missing value is the least, then by the key.
    const rows = [
      eventRow(0, 500, { id: 3, x: 8, created: 20 }),
      eventRow(0, 500, { id: 9, x: 4, created: null }),
      eventRow(0, 500, { id: 2, x: 2, created: 20 }),
      eventRow(0, 400, { id: 1, x: 1 }),
      eventRow(0, 510, { id: 4, x: null }),
      eventRow(0, 550, { id: 5, x: 64 }),
      eventRow(0, 505, { id: 6, x: 32 }, { from: 100, to: 540 }),
    ];
    const sums: Value[] = [];
    for (const count of [1, 2, 3, 4, 1_000]) {
      const feature = over("sum", "x", newest(count, null), { where: isThere });
      sums.push((await queries.answerOne(feature, rows, 550))[0]);
    }
    assert.deepEqual(sums, [8, 10, 14, 15, 15]);
    assert.deepEqual(await queries.answerOne(over("sum", "x", newest(1, null)), rows, 550), [
      0,
      "PRESENT",
      510,
    ]);
    const within = over("sum", "x", newest(4, 50), { where: isThere });
    assert.deepEqual(await queries.answerOne(within, rows, 550), [14, "PRESENT", 510]);
    assert.deepEqual(await queries.answerOne(within, rows, 560), [64, "PRESENT", 550]);
    assert.deepEqual(await queries.answerOne(within, rows.slice(0, 4), 551), [
      0,
      "NOT_FOUND",
      null,
    ]);
    assert.deepEqual(
      await queries.answerOne(
        over("lastN", "x", newest(3, null), { aggregate: { n: 5, distinct: false } }),
        rows,
        505,
      ),
      [[8, 2, 4], "PRESENT", 500],
    );
  });

  check("a series answers a list, one element for each window", async (queries) => {
    const rows = [
      eventRow(0, 69, { x: 64 }),
      eventRow(0, 70, { x: 1 }),
      eventRow(0, 79, { x: 2 }),
      eventRow(0, 90, { x: 4 }),
      eventRow(0, 99, { x: 8 }),
      eventRow(0, 100, { x: 16 }),
      eventRow(0, 95, { x: 32 }, { from: 60, to: 99 }),
    ];
    const series: WindowSpec = { kind: "series", length: 10, count: 3 };
    const plan = windowPlan(
      over("sum", "x", series),
      over("max", "x", series),
      over("count", null, series, {
        where: callExpression(scalarFunction("gt"), [columnOf("x"), columnOf("x")]),
      }),
      over("lastN", "x", series, { aggregate: { n: 2, distinct: false } }),
    );
    assert.deepEqual(await queries.answerEach(plan, rows, 100), [
      [[3, 0, 12], "PRESENT", 99],
      [[2, null, 8], "PRESENT", 99],
      [[0n, 0n, 0n], "PRESENT", 99],
      [[[2, 1], [], [8, 4]], "PRESENT", 99],
    ]);
    const zone = "Europe/Zurich";
    const days: WindowSpec = { kind: "calendarSeries", unit: "day", zone, count: 2 };
    const hour = 3_600_000_000;
    // 2026-03-29 begins at 23:00 UTC of the 28th, and has 23 hours.
    const changed = Date.parse("2026-03-28T23:00:00Z") * 1000;
    const sums = await queries.answerOne(
      over("sum", "x", days),
      [
        eventRow(0, changed - 24 * hour - 1, { x: 1 }),
        eventRow(0, changed - 24 * hour, { x: 2 }),
        eventRow(0, changed - 1, { x: 4 }),
        eventRow(0, changed, { x: 8 }),
        eventRow(0, changed + 23 * hour - 1, { x: 16 }),
        eventRow(0, changed + 23 * hour, { x: 32 }),
      ],
      changed + 30 * hour,
    );
    assert.deepEqual(sums, [[6, 24], "PRESENT", changed + 23 * hour]);
    assert.deepEqual(await queries.answerOne(over("max", "x", series), [], 100), [
      [null, null, null],
      "NOT_FOUND",
      null,
    ]);
  });

  check("rows that a filter node leaves out count for nothing", async (queries) => {
    const isThere = callExpression(scalarFunction("isNotNull"), [columnOf("x")]);
    const rows = [eventRow(0, 400, { x: 3 }), eventRow(0, 500, { x: null })];
    const windows = overRows(isThere, windowPlan(over("count", null, 200), over("min", "x", 200)));
    assert.deepEqual(await queries.answerEach(windows, rows, 550), [
      [1n, "PRESENT", 400],
      [3, "PRESENT", 400],
    ]);
    // The row of 500 lies in the window, and is not there.
    assert.deepEqual(await queries.answerEach(windows, rows, 601), [
      [0n, "NOT_FOUND", null],
      [null, "NOT_FOUND", null],
    ]);
    const facts = overRows(isThere, latestPlan(150, latest("x")));
    assert.deepEqual(await queries.answerEach(facts, rows, 500), [[3, "PRESENT", 400]]);
    assert.deepEqual(await queries.answerEach(facts, rows, 551), [[null, "OUTSIDE_MAX_AGE", 400]]);
    assert.deepEqual(await queries.answerEach(facts, rows.slice(1), 550), [
      [null, "NOT_FOUND", null],
    ]);
  });

  check("a default replaces any null, and the status stays (law 7)", async (queries) => {
    const feature = over("min", "x", 10, { default: 7.5 });
    assert.deepEqual(await queries.answerOne(feature, [], 100), [7.5, "NOT_FOUND", null]);
    assert.deepEqual(await queries.answerOne(feature, [eventRow(0, 95)], 100), [
      7.5,
      "NULL_VALUE",
      95,
    ]);
    assert.deepEqual(
      await queries.answerOne(over("count", "x", 10, { default: 9n }), [eventRow(0, 95)], 100),
      [0n, "PRESENT", 95],
    );
    assert.deepEqual(
      await queries.answerOne(latest("s", { default: "none" }), [eventRow(0, 10)], 100, 5),
      ["none", "OUTSIDE_MAX_AGE", 10],
    );
    assert.deepEqual(
      await queries.answerOne(latest("s", { default: "none" }), [eventRow(0, 99)], 100, 5),
      ["none", "NULL_VALUE", 99],
    );
  });

  check("only true passes a condition (law 9)", async (queries) => {
    const rows = [
      eventRow(0, 1, { flag: true }),
      eventRow(0, 2, { flag: false }),
      eventRow(0, 3, { flag: null }),
    ];
    const flag = columnOf("flag");
    const is = callExpression(scalarFunction("eq"), [flag, literalExpression(true, flag)]);
    assert.deepEqual(await queries.answerOne(over("count", null, 100, { where: is }), rows, 50), [
      1n,
      "PRESENT",
      3,
    ]);
    assert.deepEqual(
      await queries.answerOne(
        over("count", null, 100, { where: callExpression(scalarFunction("not"), [is]) }),
        rows,
        50,
      ),
      [1n, "PRESENT", 3],
    );
    assert.deepEqual(await queries.answerOne(latest("id", { where: is }), rows, 50), [
      rows[0]!.values["id"],
      "PRESENT",
      1,
    ]);
  });

  check(
    "sums are exact and rounded once, and an overflow is the largest value (law 3)",
    async (queries) => {
      const sumOf = async (column: string, ...values: readonly Value[]): Promise<Value> =>
        (
          await queries.answerOne(
            over("sum", column, 1000),
            values.map((value, i) => eventRow(0, i, { [column]: value })),
            500,
          )
        )[0];
      await queries.ifSupported(async () => {
        assert.equal(await sumOf("x", 1e16, 1, -1e16), 1);
        assert.equal(await sumOf("x", 0.1, 0.2, 0.3, -0.3, -0.2, -0.1), 0);
        assert.equal(await sumOf("x", 1e308, 1e308, -1e308), 1e308);
        assert.equal(await sumOf("x", 1e308, 1e308), Number.MAX_VALUE);
        assert.ok(Object.is(await sumOf("x", -0, -0), 0), "no output is −0");
      });
      await queries.ifSupported(async () => {
        assert.equal(await sumOf("n", 2n ** 63n - 1n, 1n, -1n), 2n ** 63n - 1n);
        assert.equal(await sumOf("n", -(2n ** 63n), -1n), -(2n ** 63n));
        assert.equal(await sumOf("i", 2 ** 31 - 1, 2 ** 31 - 1, null), 4294967294n);
        assert.equal(await sumOf("d", 10n ** 38n - 1n, 10n), 10n ** 38n - 1n);
        assert.equal(await sumOf("d", 10n, 20n), 30n);
      });
    },
  );

  check(
    "an average is the rounded sum divided once, and null for an empty window",
    async (queries) => {
      const avgOf = async (column: string, ...values: readonly Value[]): Promise<Value> =>
        (
          await queries.answerOne(
            over("avg", column, 1000),
            values.map((value, i) => eventRow(0, i, { [column]: value })),
            500,
          )
        )[0];
      await queries.ifSupported(async () => {
        assert.equal(await avgOf("x", 0.1, 0.2, 0.3, null), 0.6 / 3);
        assert.equal(await avgOf("n", 1n, 2n), 1.5);
        assert.equal(await avgOf("d", 1n, 2n), 0.03 / 2);
        assert.equal(await avgOf("x", null), null);
      });
    },
  );

  check(
    "min, max and countDistinct compare code points and bytes, and −0 is 0 (law 3)",
    async (queries) => {
      const of = async (
        name: "min" | "max" | "countDistinct",
        column: string,
        ...values: readonly Value[]
      ): Promise<Value> =>
        (
          await queries.answerOne(
            over(name, column, 1000),
            values.map((value, i) => eventRow(0, i, { [column]: value })),
            500,
          )
        )[0];
      assert.equal(await of("max", "s", "\uFFFD", "😀", null), "😀");
      assert.equal(await of("min", "s", "10", "9"), "10");
      assert.deepEqual(
        await of("min", "b", new Uint8Array([1]), new Uint8Array([0, 9])),
        new Uint8Array([0, 9]),
      );
      assert.equal(await of("max", "flag", false, true), true);
      assert.ok(Object.is(await of("min", "x", -0), 0), "no output is −0");
      assert.equal(await of("countDistinct", "x", -0, 0, null), 1n);
      assert.equal(await of("countDistinct", "n", 2n ** 53n, 2n ** 53n + 1n), 2n);
      assert.equal(await of("countDistinct", "b", new Uint8Array([1]), new Uint8Array([1])), 1n);
    },
  );

  check(
    "a latest row holds for t − ttl ≤ s ≤ t; an older one is outside its age (law 2)",
    async (queries) => {
      for (const t of ANSWER_TIMES) {
        const answerAt = async (time: number, ttl: number | null = 100) =>
          queries.answerOne(latest("s"), [eventRow(0, time, { s: "a" })], t, ttl);
        assert.deepEqual(await answerAt(t), ["a", "PRESENT", t]);
        assert.deepEqual(await answerAt(t + 1), [null, "NOT_FOUND", null]);
        assert.deepEqual(await answerAt(t - 100), ["a", "PRESENT", t - 100]);
        assert.deepEqual(await answerAt(t - 101), [null, "OUTSIDE_MAX_AGE", t - 101]);
        assert.deepEqual(await answerAt(t - 1_000_000, null), ["a", "PRESENT", t - 1_000_000]);
      }
    },
  );

  check("the newest known row decides, its null included", async (queries) => {
    const rows = [
      eventRow(0, 10, { s: "old" }),
      eventRow(0, 20, { s: null }, { from: 20, to: 40 }),
      eventRow(0, 30, { s: "late" }, { from: 50 }),
    ];
    const answers = [];
    for (const t of [20, 21, 40, 41, 50, 51])
      answers.push((await queries.answerOne(latest("s"), rows, t)).slice(0, 2).join(" "));
    assert.deepEqual(answers, [
      "old PRESENT",
      " NULL_VALUE",
      " NULL_VALUE",
      "old PRESENT",
      "old PRESENT",
      "late PRESENT",
    ]);
    assert.ok(
      Object.is((await queries.answerOne(latest("x"), [eventRow(0, 10, { x: -0 })], 20))[0], 0),
      "no output is −0",
    );
  });

  check(
    "the later created column breaks a tie, then the larger key, never arrival (law 2)",
    async (queries) => {
      const row = (id: number, created: number | null): NamedRow =>
        eventRow(0, 10, { id, created, s: `${id}` });
      for (const [winner, rows] of [
        ["1", [row(1, 5), row(2, 4), row(3, null)]],
        ["3", [row(2, 4), row(3, 4)]],
        ["9", [row(9, null), row(10, null), row(11, null)].slice(0, 1)],
        ["2", [row(2, -1), row(7, null)]],
      ] as const) {
        for (const order of [rows, rows.toReversed()])
          assert.equal((await queries.answerOne(latest("s"), order, 20))[0], winner);
      }
    },
  );

  check(
    "rows of one time are ordered by the created column, then the key, in windows (law 2)",
    async (queries) => {
      const row = (id: number, created: number | null): NamedRow =>
        eventRow(0, 10, { id, created, s: `${id}` });
      await queries.ifSupported(async () => {
        for (const [ends, rows] of [
          [
            ["3", "1"],
            [row(1, 5), row(2, 4), row(3, null)],
          ],
          [
            ["2", "3"],
            [row(2, 4), row(3, 4)],
          ],
          [
            ["7", "5"],
            [row(7, -1), row(5, 9), eventRow(0, 11, { id: 8, s: null })],
          ],
        ] as const) {
          for (const order of [rows, rows.toReversed()])
            assert.deepEqual(
              (
                await queries.answerEach(
                  windowPlan(over("first", "s", 100), over("last", "s", 100)),
                  order,
                  20,
                )
              ).map(([value]) => value),
              ends,
            );
        }
      });
    },
  );

  check("the time since a row moves with t, up to the edge of the window", async (queries) => {
    const since = (end: "First" | "Last") =>
      over(`timeSince${end}`, null, 10_000_000, { aggregate: { unit: "seconds" } });
    const plan = windowPlan(since("First"), since("Last"));
    await queries.ifSupported(async () => {
      for (const t of ANSWER_TIMES) {
        const rows = [eventRow(0, t - 10_000_000), eventRow(0, t - 500_000), eventRow(0, t)];
        const answersAt = async (at: number): Promise<Value[]> =>
          (await queries.answerEach(plan, rows, at)).map(([value]) => value);
        assert.deepEqual(await answersAt(t), [10, 0.5]);
        assert.deepEqual(await answersAt(t + 250_000), [0.75, 0.25]);
        assert.deepEqual(await answersAt(t - 10_000_000), [null, null]);
      }
    });
  });

  check("a row counts only if every argument is there", async (queries) => {
    const row = (s: string | null, x: number | null, n: bigint | null): NamedRow =>
      eventRow(0, 10, { s, x, n });
    const rows = [
      row("a", 1, 10n),
      row("b", 2, 20n),
      row("c", 4, null),
      row(null, null, 30n),
      row("e", null, null),
    ];
    const plan = windowPlan(
      over("covariance", ["x", "n"], 100, { aggregate: { over: "sample" } }),
      over("correlation", ["x", "n"], 100),
      over("slope", ["x", "n"], 100),
      over("maxBy", ["s", "n"], 100),
      over("minBy", ["s", "x"], 100),
      over("topKBy", ["s", "n"], 100, { aggregate: { k: 2 } }),
      over("bottomKBy", ["s", "x"], 100, { aggregate: { k: 1 } }),
    );
    await queries.ifSupported(async () => {
      const answers = await queries.answerEach(plan, rows, 20);
      assert.deepEqual(
        answers.map(([value]) => value),
        [5, 1, 0.1, "b", "a", ["b", "a"], ["a"]],
      );
    });
  });

  check(
    "events cut into other batches, or in another order, give the same answers (law 3)",
    async (queries) => {
      const events = Array.from({ length: 20 }, (_, i) =>
        eventRow(i % 2, 10 + i, { n: BigInt(i), x: 0.1 * i, s: `${i % 3}` }),
      );
      const plan = windowPlan(
        over("sum", "x", 100),
        over("max", "n", 5),
        over("countDistinct", "s", 10),
      );
      const rows = entityRows([0, 20], [1, 25], [0, 31]);
      const whole = await queries.answer(plan, eventsOf(plan, events), rows);
      for (const size of [1, 2, 7])
        assert.deepEqual(
          await queries.answer(plan, eventsOf(plan, events.toReversed(), size), rows),
          whole,
        );
    },
  );

  check(
    "an aborted signal ends the work with its reason, and closes the events",
    async (queries) => {
      for (const plan of [windowPlan(over("count", null, 10)), latestPlan(null, latest("s"))]) {
        const before = AbortSignal.abort(new Error("enough"));
        await assert.rejects(
          queries.answer(plan, eventsOf(plan, [eventRow(0, 1)]), entityRows([0, 2]), before),
          /enough/,
        );
        const controller = new AbortController();
        let released = false;
        const many = async function* (): AsyncGenerator<Events> {
          try {
            for (let i = 0; i < 1000; i++) {
              yield* eventsOf(plan, [eventRow(0, i)]);
              if (i === 3) controller.abort(new Error("enough"));
            }
          } finally {
            released = true;
          }
        };
        await assert.rejects(
          queries.answer(plan, many(), entityRows([0, 2]), controller.signal),
          /enough/,
        );
        assert.ok(released);
      }
    },
  );

  check("an error in the events rejects the answer with that error", async (queries) => {
    const plan = windowPlan(over("count", null, 10));
    const broken = async function* (): AsyncGenerator<Events> {
      yield* eventsOf(plan, [eventRow(0, 0)]);
      throw new Error("the disk is gone");
    };
    await assert.rejects(queries.answer(plan, broken(), entityRows([0, 1])), /the disk is gone/);
  });
}
