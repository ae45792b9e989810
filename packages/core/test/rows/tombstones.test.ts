/** Tests which tombstones delete a row: those whose own delete the log has lost, and no other. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logOrderAssigner } from "../../src/rows/log-order.ts";
import { rowChangesOf, type RowChange } from "../../src/rows/row-change.ts";
import { deriveVersions } from "../../src/rows/row-versions.ts";
import type { SourceSpec } from "../../src/specs.ts";
import type { Change, Position } from "../../src/spi.ts";

const source: SourceSpec = {
  name: "payments",
  table: "public.payments",
  columns: [
    { name: "id", database: "id", type: "int64", nullable: false },
    { name: "amount", database: "amount", type: "int64", nullable: true },
  ],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
};

/** A message of the log: `order` is its LSN; a tombstone has none. */
interface Message {
  readonly id: number;
  readonly what: "upsert" | "delete" | "tombstone";
  readonly order: number;
  readonly offset: number;
  readonly partition: number;
}

function changeOf({ id, what, order, offset, partition }: Message): Change {
  const keyOnly = [BigInt(id), null];
  return {
    source: "payments",
    topic: "payments",
    partition,
    offset,
    kind: what === "tombstone" ? "none" : what,
    values: what === "tombstone" ? null : what === "delete" ? keyOnly : [BigInt(id), BigInt(order)],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: what === "tombstone" ? null : BigInt(order),
    committed: what === "tombstone" ? null : order * 1_000_000,
    snapshot: false,
    op: null,
    timestamp: order * 1_000 + 100,
    transaction: null,
    ...(what === "tombstone" ? { tombstone: { values: keyOnly, skippedAt: null } } : {}),
  };
}

/** A valid log: each delete is followed by its tombstone, and a later create brings a row back. */
function messagesOf(ids: readonly number[], partitions: number): Message[] {
  const alive = new Set<number>();
  const messages: Omit<Message, "offset">[] = [];
  ids.forEach((id, i) => {
    const order = i + 1;
    const partition = id % partitions;
    const gone = alive.has(id) && (i * 7 + id) % 3 !== 0;
    if (!gone) alive.add(id);
    else alive.delete(id);
    messages.push({ id, what: gone ? "delete" : "upsert", order, partition });
    if (gone) messages.push({ id, what: "tombstone", order, partition });
  });
  return numbered(messages);
}

function numbered(messages: readonly Omit<Message, "offset">[]): Message[] {
  const next = new Map<number, number>();
  return messages.map((message) => {
    const offset = next.get(message.partition) ?? 0;
    next.set(message.partition, offset + 1);
    return { ...message, offset };
  });
}

/** Applies the messages as a run does, restarting from the stored positions after each cut. */
function applied(
  messages: readonly Message[],
  cuts: ReadonlySet<number> = new Set(),
  positions: Position[] = [],
): { readonly changes: Change[]; readonly positions: Position[] } {
  const changes: Change[] = [];
  let stored = positions;
  let assigner = logOrderAssigner(stored);
  let reached = new Map<number, number>();
  const store = (): void => {
    const now = [...reached].map(([partition, offset]) =>
      assigner.toStoredPosition({ partition: `payments:${partition}`, offset }),
    );
    stored = [
      ...stored.filter(({ partition }) => !now.some((one) => one.partition === partition)),
      ...now,
    ];
  };
  messages.forEach((message, i) => {
    if (cuts.has(i)) {
      store();
      assigner = logOrderAssigner(stored);
      reached = new Map();
    }
    changes.push(assigner.withOrder(changeOf(message)));
    reached.set(message.partition, message.offset);
  });
  store();
  return { changes, positions: stored };
}

function versionsOf(changes: readonly Change[]): Record<string, unknown> {
  const rows = rowChangesOf(source);
  const byId = new Map<string, RowChange[]>();
  for (const one of changes.flatMap(rows))
    byId.set(String(one.key[0]), [...(byId.get(String(one.key[0])) ?? []), one.change]);
  return Object.fromEntries(
    [...byId].map(([id, list]) => [
      id,
      deriveVersions(source, list, []).map(({ from, to, values }) => ({ from, to, values })),
    ]),
  );
}

const rowsNow = (changes: readonly Change[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(versionsOf(changes)).flatMap(([id, versions]) => {
      const { values } = (versions as { values: unknown }[]).at(-1)!;
      return values === null ? [] : [[id, values]];
    }),
  );

const ids = fc.array(fc.nat(4), { minLength: 1, maxLength: 40 });
const cutsIn = fc.array(fc.nat(100), { maxLength: 6 });
const segments = fc.array(fc.tuple(fc.nat(60), fc.nat(12)), { maxLength: 4 });

describe("in a whole log", () => {
  test("tombstones change nothing, in any redelivery, interleaving and restart", () => {
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 3 }),
        segments,
        cutsIn,
        (list, count, again, at) => {
          let sent: Omit<Message, "offset">[] = messagesOf(list, count);
          for (const [end, length] of again) {
            const to = (end % sent.length) + 1;
            sent = sent.toSpliced(to, 0, ...sent.slice(Math.max(0, to - length), to));
          }
          const messages = numbered(sent);
          const { changes } = applied(messages, new Set(at));
          const without = messages.filter(({ what }) => what !== "tombstone").map(changeOf);
          expect(versionsOf(changes)).toEqual(versionsOf(without));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("a tombstone right after its delete is not told, also after a restart between them", () => {
    fc.assert(
      fc.property(ids, cutsIn, (list, at) => {
        const { changes } = applied(messagesOf(list, 2), new Set(at));
        expect(changes.filter(({ undecodable }) => undecodable !== null)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("in a compacted log", () => {
  /** Keeps the newest message of each key before `end`, as Kafka's cleaner does. */
  const compacted = (messages: readonly Message[], end: number): Message[] =>
    messages.filter(
      ({ id, partition, offset }, i) =>
        i >= end ||
        !messages
          .slice(0, end)
          .some((one) => one.id === id && one.partition === partition && one.offset > offset),
    );

  test("a run that goes on after the compaction ends in the rows of the whole log", () => {
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(60),
        fc.nat(60),
        (list, count, p, q) => {
          const messages = messagesOf(list, count);
          const read = p % (messages.length + 1);
          const before = applied(messages.slice(0, read));
          const rest = compacted(messages, q % (messages.length + 1)).filter(
            (message) => messages.indexOf(message) >= read,
          );
          const after = applied(rest, new Set(), before.positions);
          expect(rowsNow([...before.changes, ...after.changes])).toEqual(
            rowsNow(messages.map(changeOf)),
          );
          expect(after.changes.filter(({ undecodable }) => undecodable !== null)).toEqual([]);
        },
      ),
      { numRuns: 3000, examples: [[[0, 4, 0, 0, 4, 0, 0, 1], 1, 0, 21]] },
    );
  });

  test.each([[[]], [[1]]])(
    "tombstones before the first row delete none, restarted at %j",
    (cuts: readonly number[]) => {
      const { changes } = applied(
        [
          { id: 2, what: "tombstone", order: 5, offset: 6, partition: 0 },
          { id: 1, what: "tombstone", order: 6, offset: 8, partition: 0 },
          { id: 1, what: "upsert", order: 7, offset: 9, partition: 0 },
        ],
        new Set(cuts),
      );
      expect(rowsNow(changes)).toEqual({ "1": [1n, 7n] });
    },
  );

  test("the row ends when the broker took the tombstone", () => {
    const { changes } = applied([
      { id: 1, what: "upsert", order: 1, offset: 0, partition: 0 },
      { id: 2, what: "upsert", order: 2, offset: 1, partition: 0 },
      { id: 1, what: "tombstone", order: 5, offset: 3, partition: 0 },
    ]);
    expect(versionsOf(changes)["1"]).toEqual([
      { from: 1_000_000, to: 5_100_999, values: [1n, 1n] },
      { from: 5_100_999, to: Infinity, values: null },
    ]);
  });
});

test("a tombstone after a message that is no delete of its row is told, and the row stays", () => {
  const { changes } = applied([
    { id: 1, what: "upsert", order: 1, offset: 0, partition: 0 },
    { id: 1, what: "tombstone", order: 2, offset: 1, partition: 0 },
  ]);
  expect(changes[1]).toMatchObject({
    kind: "none",
    undecodable: {
      reason: "TOMBSTONE_WITHOUT_DELETE",
      message: expect.stringMatching(
        /^payments, partition 0, offset 1: .*the row stays/s,
      ) as string,
    },
  });
  expect(Object.keys(rowsNow(changes))).toEqual(["1"]);
});

test("a tombstone follows its delete after a restart with other columns", () => {
  const first = logOrderAssigner([]);
  const gone = changeOf({ id: 1, what: "delete", order: 1, offset: 0, partition: 0 });
  first.withOrder(gone);
  const stored = first.toStoredPosition({ partition: "payments:0", offset: 0 });
  const tombstone = changeOf({ id: 1, what: "tombstone", order: 1, offset: 1, partition: 0 });
  const wider = { ...tombstone, tombstone: { values: [1n, null, null], skippedAt: null } };
  expect(logOrderAssigner([stored]).withOrder(wider)).toMatchObject({
    kind: "none",
    undecodable: null,
  });
});

test("a skipped message before a tombstone is no gap of the log", () => {
  const assigner = logOrderAssigner([]);
  const at = (offset: number, what: Message["what"]): Change =>
    changeOf({ id: 1, what, order: 1, offset, partition: 0 });
  assigner.withOrder(at(0, "upsert"));
  const tombstone = { ...at(2, "tombstone"), tombstone: { values: [1n, null], skippedAt: 1 } };
  expect(assigner.withOrder(tombstone)).toMatchObject({ kind: "none" });
});

test("offsets without a message at the end of a position are a gap too", () => {
  const at = (offset: number, what: Message["what"]): Change =>
    changeOf({ id: 1, what, order: 1, offset, partition: 0 });
  const first = logOrderAssigner([]);
  first.withOrder(at(0, "upsert"));
  const message = { offset: 0, fingerprint: "" };
  const stored = first.toStoredPosition({
    partition: "payments:0",
    offset: 1,
    checkpoint: { message },
  });
  expect(logOrderAssigner([stored]).withOrder(at(2, "tombstone"))).toMatchObject({
    kind: "delete",
    inheritedOrder: 1n,
  });
});
