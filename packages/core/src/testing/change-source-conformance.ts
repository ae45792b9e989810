/** The conformance suite of change sources. */
import assert from "node:assert/strict";
import { isTidemarkError } from "../errors.ts";
import type { Change, ChangeBatch, ChangeSource, Position, SourceSpec } from "../spi.ts";

/** A log, and the change sources that read it. */
export interface ChangeSourceUnderTest {
  /** The sources whose changes the log holds. */
  readonly sources: readonly SourceSpec[];
  /** The number of changes of these sources in the log: at least three batches. */
  readonly count: number;
  /** The most changes that a batch may hold. */
  readonly maxChanges: number;
  /** Makes another reader of the log. */
  source(): ChangeSource;
  /**
   * Makes a reader of another log under the same names, as after a topic was created anew.
   * That log has other messages at the same offsets. Without it, the tests of a recreated log are
   * left out.
   */
  recreated?(): Promise<ChangeSource>;
  /** Called when a test has ended. */
  remove?(): Promise<void>;
}

/**
 * The number of positions from which reading goes on. A reader of Kafka takes a second to begin.
 */
const MAX_RESUMES = 5;
const CODES = ["TOPIC_RECREATED", "LOG_LOST"];

/**
 * Declares the conformance tests of a change source, under any test runner.
 *
 * @example
 * changeSourceConformance({
 *   test,
 *   make: async () => ({
 *     sources, count: 40, maxChanges: 10, source: () => mySource("log.jsonl"),
 *   }),
 * });
 */
export function changeSourceConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes a log for one test. */
  readonly make: () => Promise<ChangeSourceUnderTest>;
}): void {
  const { make } = options;

  function check(name: string, run: (log: LogReader) => Promise<void>): void {
    options.test(name, async () => {
      const under = await make();
      try {
        await run(new LogReader(under));
      } finally {
        await under.remove?.();
      }
    });
  }

  check("every change of the log is given once, in batches of bounded size", async (log) => {
    const { sources, count, maxChanges } = log.under;
    const batches = await log.read();
    const changes = changesOf(batches);
    assert.equal(changes.length, count);
    assert.ok(batches.length >= 3, `${batches.length} batches: give a longer log`);
    for (const batch of batches) assert.ok(batch.changes.length <= maxChanges);
    const names = new Set(sources.map(({ name }) => name));
    for (const { source } of changes) assert.ok(names.has(source), source);
  });

  check(
    "offsets of a partition ascend, and a change leaves out what the runner sets",
    async (log) => {
      const last = new Map<string, number>();
      for (const change of changesOf(await log.read())) {
        const partition = partitionOf(change);
        const { offset } = change;
        assert.ok(offset > (last.get(partition) ?? -1), `${partition}: ${offset}`);
        last.set(partition, offset);
        assert.equal(change.inheritedOrder, undefined);
        assert.equal(change.generation, undefined);
      }
    },
  );

  check(
    "positions move with the changes: each batch says where its partitions stand",
    async (log) => {
      const stands = new Map<string, number>();
      for (const { changes, positions } of await log.read()) {
        for (const change of changes) {
          const stand = stands.get(partitionOf(change)) ?? -1;
          assert.ok(change.offset > stand, `offset ${change.offset} lies before the position`);
        }
        assert.equal(new Set(positions.map(({ partition }) => partition)).size, positions.length);
        for (const { partition, offset } of positions) {
          assert.ok(offset >= (stands.get(partition) ?? -1), `${partition} goes back to ${offset}`);
          stands.set(partition, offset);
        }
        for (const change of changes) {
          const stand = stands.get(partitionOf(change));
          assert.ok(stand !== undefined && stand >= change.offset, "a change without its position");
        }
      }
    },
  );

  check("a log that is read again gives the same changes", async (log) => {
    const first = changesOf(await log.read());
    assert.deepEqual(byPartition(changesOf(await log.read())), byPartition(first));
  });

  check(
    "reading on from any position gives the rest of the log and nothing before",
    async (log) => {
      const batches = await log.read();
      const step = Math.max(1, Math.ceil(batches.length / MAX_RESUMES));
      for (let taken = step; taken < batches.length; taken += step) {
        const after = positionsAfter(batches.slice(0, taken));
        const rest = changesOf(await log.read(after, changesOf(batches.slice(taken)).length));
        assert.deepEqual(byPartition(rest), byPartition(changesOf(batches.slice(taken))));
      }
    },
  );

  check("a partition that is not listed starts at its beginning", async (log) => {
    const batches = await log.read();
    const changes = changesOf(batches);
    for (const position of positionsAfter(batches)) {
      const others = changes.filter((change) => partitionOf(change) !== position.partition);
      const rest = changesOf(await log.read([position], others.length));
      assert.deepEqual(byPartition(rest), byPartition(others));
    }
  });

  check("an aborted signal ends the reading, and the log can be read again", async (log) => {
    const none = await log.until(AbortSignal.abort(new Error("enough")));
    assert.deepEqual(none, []);
    const stop = new AbortController();
    const some = await log.until(stop.signal, () => {
      stop.abort(new Error("enough"));
    });
    assert.equal(some.filter(({ changes }) => changes.length > 0).length, 1);
    assert.equal(changesOf(await log.read()).length, log.under.count);
  });

  check("a reader that stops after a batch leaves the log as it was", async (log) => {
    for await (const { changes } of log.changes()) if (changes.length > 0) break;
    assert.equal(changesOf(await log.read()).length, log.under.count);
  });

  check("a bounded source ends by itself, and gives no change after its end", async (log) => {
    if (log.under.source().bounded !== true) return;
    const batches: ChangeBatch[] = [];
    for await (const batch of log.changes()) batches.push(batch);
    assert.equal(changesOf(batches).length, log.under.count);
    for await (const { changes } of log.changes(positionsAfter(batches)))
      assert.deepEqual(changes, []);
  });

  check("a log that was created anew is refused before anything is given", async (log) => {
    if (log.under.recreated === undefined) return;
    const after = positionsAfter(await log.read());
    const source = await log.under.recreated();
    const given: Change[] = [];
    await assert.rejects(
      async () => {
        for await (const batch of log.changes(after, undefined, source))
          given.push(...batch.changes);
      },
      (error: unknown) => isTidemarkError(error) && CODES.includes(error.code),
    );
    assert.deepEqual(given, []);
  });
}

class LogReader {
  readonly under: ChangeSourceUnderTest;

  constructor(under: ChangeSourceUnderTest) {
    this.under = under;
  }

  changes(
    after: readonly Position[] = [],
    signal?: AbortSignal,
    source: ChangeSource = this.under.source(),
  ): AsyncIterable<ChangeBatch> {
    return source.changes({ sources: this.under.sources, after, signal });
  }

  /** Reads batches up to the end. Of a source without an end: up to so many changes. */
  async read(
    after: readonly Position[] = [],
    count: number = this.under.count,
  ): Promise<readonly ChangeBatch[]> {
    const source = this.under.source();
    const batches: ChangeBatch[] = [];
    if (source.bounded !== true && count === 0) return batches;
    let seen = 0;
    for await (const batch of this.changes(after, undefined, source)) {
      batches.push(batch);
      seen += batch.changes.length;
      if (source.bounded !== true && seen >= count) break;
    }
    return batches;
  }

  /** Reads batches until the signal aborts. */
  async until(signal: AbortSignal, onChanges?: () => void): Promise<readonly ChangeBatch[]> {
    const batches: ChangeBatch[] = [];
    try {
      for await (const batch of this.changes([], signal)) {
        batches.push(batch);
        if (batch.changes.length > 0) onChanges?.();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return batches;
  }
}

const partitionOf = ({ topic, partition }: Change): string => `${topic}:${partition}`;

const changesOf = (batches: readonly ChangeBatch[]): readonly Change[] =>
  batches.flatMap(({ changes }) => changes);

/**
 * The changes by partition. Partitions may be interleaved in any way, and each has the log's order.
 */
function byPartition(changes: readonly Change[]): ReadonlyMap<string, readonly Change[]> {
  const found = new Map<string, Change[]>();
  for (const change of [...changes].sort((a, b) => (partitionOf(a) < partitionOf(b) ? -1 : 1)))
    found.set(partitionOf(change), []);
  for (const change of changes) found.get(partitionOf(change))!.push(change);
  return found;
}

function positionsAfter(batches: readonly ChangeBatch[]): readonly Position[] {
  const positions = batches.flatMap((batch) => batch.positions);
  return [...new Map(positions.map((position) => [position.partition, position])).values()];
}
