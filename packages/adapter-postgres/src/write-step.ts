/** Turns a step into statements that travel together. */
import { TidemarkError } from "@tidemark/core";
import type { CellWrite, MetadataStep, OnlineStore, PositionStep } from "@tidemark/core/spi";
import { byteaArray, float8Array, int8Array } from "./binary-arrays.ts";
import type { Call } from "./connections.ts";
import type { Statements } from "./statements.ts";
import { storedKey, wholeKey } from "./stored-keys.ts";

type Step = Parameters<OnlineStore["write"]>[0];

/** A statement of a step. If it changes or finds another number of rows, the step is a conflict. */
interface StepCall {
  readonly call: Call;
  readonly expected: number | null;
}

interface KeyedWrite {
  readonly key: Uint8Array;
  readonly write: CellWrite;
}

/**
 * Returns the statements of a step, in the order of its locks: metadata, positions, cells, and each
 * kind in the order of its keys. Writers that take locks in one order cannot deadlock.
 *
 * @throws ONLINE_STORE_TWICE when the step writes a cell, a position or a text twice.
 */
export function stepCalls(
  name: string,
  statements: Statements,
  schema: string,
  { source, cells, positions, metadata = [] }: Step,
): readonly StepCall[] {
  const keyed = cells.map((write): KeyedWrite => ({ key: storedKey(write.key), write }));
  if (keyed.length > 1) keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  refuseDuplicates(name, keyed, positions, metadata);
  return [
    ...metadataCalls(statements, schema, source, metadata),
    ...positionCalls(statements, source, positions),
    ...cellCalls(statements, keyed),
  ];
}

/**
 * Compares the texts under a lock of the source: writers that only compare share it. A text that
 * does not exist yet has no row to lock.
 */
function metadataCalls(
  statements: Statements,
  schema: string,
  source: string,
  steps: readonly MetadataStep[],
): readonly StepCall[] {
  if (steps.length === 0) return [];
  const set = steps.filter(({ expected, next }) => next !== null && next !== expected);
  const lock = set.length > 0 ? "lockMetadata" : "shareMetadata";
  const keys = (of: readonly MetadataStep[]): readonly string[] => of.map(({ key }) => key);
  const compared = steps.map(({ expected }) => expected);
  const calls: StepCall[] = [
    { call: statements(lock, `${schema} ${source}`), expected: null },
    { call: statements("compareMetadata", source, keys(steps), compared), expected: steps.length },
  ];
  const texts = set.map(({ next }) => next);
  if (set.length > 0)
    calls.push({ call: statements("setMetadata", source, keys(set), texts), expected: null });
  return calls;
}

function positionCalls(
  statements: Statements,
  source: string,
  steps: readonly PositionStep[],
): readonly StepCall[] {
  const ordered = [...steps].sort(
    (a, b) =>
      (a.generation ?? 0) - (b.generation ?? 0) ||
      Buffer.compare(Buffer.from(a.partition), Buffer.from(b.partition)),
  );
  const columns = (of: readonly PositionStep[]) => [
    source,
    of.map(({ generation = 0 }) => generation),
    of.map(({ partition }) => partition),
    of.map(({ next }) => next),
    of.map(({ checkpoint }) => (checkpoint === undefined ? null : JSON.stringify(checkpoint))),
  ];
  const moved = ordered.filter(({ expected }) => expected !== null);
  const begun = ordered.filter(({ expected }) => expected === null);
  const calls: StepCall[] = [];
  if (moved.length > 0) {
    const expected = moved.map((step) => step.expected);
    const call = statements("movePositions", ...columns(moved), expected);
    calls.push({ call, expected: moved.length });
  }
  if (begun.length > 0)
    calls.push({ call: statements("beginPositions", ...columns(begun)), expected: begun.length });
  return calls;
}

function cellCalls(statements: Statements, keyed: readonly KeyedWrite[]): readonly StepCall[] {
  const of = (isOne: (write: CellWrite) => boolean): readonly KeyedWrite[] =>
    keyed.filter(({ write }) => isOne(write));
  const keys = (some: readonly KeyedWrite[]): Buffer => byteaArray(some.map(({ key }) => key));
  const versions = (some: readonly KeyedWrite[]): Buffer =>
    int8Array(some.map(({ write }) => write.expected!));
  const expires = (some: readonly KeyedWrite[]): Buffer =>
    float8Array(some.map(({ write }) => write.expires));
  const values = (some: readonly KeyedWrite[]): Buffer =>
    byteaArray(some.map(({ write }) => write.value));
  const wholes = (some: readonly KeyedWrite[]): Buffer =>
    byteaArray(some.map(({ write }) => wholeKey(write.key)));

  const update = of(({ value, expected }) => value !== null && typeof expected === "number");
  const removeVersion = of(({ value, expected }) => value === null && typeof expected === "number");
  const remove = of(({ value, expected }) => value === null && expected === undefined);
  const absent = of(({ value, expected }) => value === null && expected === null);
  const upsert = of(({ value, expected }) => value !== null && expected === undefined);
  const insert = of(({ value, expected }) => value !== null && expected === null);

  const calls: StepCall[] = [];
  if (update.length + upsert.length + insert.length > 0)
    calls.push({ call: statements("newVersion"), expected: null });
  const add = (some: readonly KeyedWrite[], call: () => Call, expected: number | null): void => {
    if (some.length > 0) calls.push({ call: call(), expected });
  };
  // One statement takes its locks in the order of the keys. Several need a statement before them.
  const kinds = [update, removeVersion, remove, upsert, insert].filter(({ length }) => length > 0);
  if (kinds.length > 1) add(keyed, () => statements("lockCells", keys(keyed)), null);
  add(absent, () => statements("absent", keys(absent)), 0);
  add(
    update,
    () => statements("update", keys(update), versions(update), expires(update), values(update)),
    update.length,
  );
  add(
    removeVersion,
    () => statements("removeVersion", keys(removeVersion), versions(removeVersion)),
    removeVersion.length,
  );
  add(remove, () => statements("remove", keys(remove)), null);
  add(
    upsert,
    () => statements("upsert", keys(upsert), wholes(upsert), expires(upsert), values(upsert)),
    null,
  );
  add(
    insert,
    () => statements("insert", keys(insert), wholes(insert), expires(insert), values(insert)),
    insert.length,
  );
  return calls;
}

function refuseDuplicates(
  name: string,
  ordered: readonly KeyedWrite[],
  positions: readonly PositionStep[],
  metadata: readonly MetadataStep[],
): void {
  const partitions = positions.map(({ generation = 0, partition }) => `${generation}/${partition}`);
  let hasDuplicate =
    new Set(partitions).size !== positions.length ||
    new Set(metadata.map(({ key }) => key)).size !== metadata.length;
  for (let i = 1; i < ordered.length && !hasDuplicate; i++)
    hasDuplicate = Buffer.compare(ordered[i - 1]!.key, ordered[i]!.key) === 0;
  if (hasDuplicate)
    throw new TidemarkError(
      "ONLINE_STORE_TWICE",
      `${name}: one step writes a cell, a position or a key of the metadata twice; ` +
        "merge the two writes into one",
    );
}
