/**
 * The rows of a view's newest materialized day, in the online store. A day is written as a
 * generation of pages beside the one that is served; when all of it is there, the view's head turns
 * to it in one step, so a reader sees one day whole or the other. A day before the one that is
 * served never replaces it.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ViewSpec } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { decodeJson, encodeJson } from "../online/json-cell.ts";
import type { LocalDate } from "./local-date.ts";

const FORMAT = 1;
/**
 * Bytes and cells in one step of the store: large, since a step has its price, and bounded, since
 * other writers wait for it.
 */
const STEP_BYTES = 16 * 2 ** 20;
const STEP_CELLS = 5_000;

interface SegmentGeneration {
  readonly generation: number;
  readonly segmentCount: number;
}

/** A day that is served. */
export interface ServedDay extends SegmentGeneration, LocalDate {
  readonly fingerprint: number;
}

export interface ViewHead {
  readonly served: ServedDay | null;
  /** The generation that a run writes, or has left unfinished. */
  readonly writing: SegmentGeneration | null;
  /** Generations that nobody reads any more. */
  readonly obsolete: readonly SegmentGeneration[];
}

export interface SegmentKeys {
  readonly head: Uint8Array;
  segment(generation: number, segment: number): Uint8Array;
}

const SEGMENT_KEY_COLUMNS: readonly ColumnSpec[] = ["generation", "segment"].map((name) => ({
  name,
  database: name,
  type: "int64",
  nullable: false,
}));

export function segmentKeys(namespace: string, view: ViewSpec): SegmentKeys {
  const segment = cellKeys(namespace, `materialized:${view.name}#`, SEGMENT_KEY_COLUMNS);
  return {
    head: cellKeys(namespace, `materialized:${view.name}`, [])([]),
    segment: (generation, number) => segment([BigInt(generation), BigInt(number)]),
  };
}

export function decodeHead(bytes: Uint8Array): ViewHead {
  const stored = decodeJson(bytes) as ViewHead & { readonly format: number };
  if (stored.format !== FORMAT)
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `online store: the head of a materialized view has format ${stored.format}, this ` +
        `version reads ${FORMAT}: use the version of Tidemark that wrote it`,
    );
  return stored;
}

function encodeHead({ served, writing, obsolete }: ViewHead): Uint8Array {
  return encodeJson({ format: FORMAT, served, writing, obsolete });
}

export interface SegmentWriter {
  /** Says how many pages the generation will have; before the first page. */
  setSegmentCount(segments: number): Promise<void>;
  add(segment: number, value: Uint8Array): Promise<void>;
  /** The generation is whole: from now on it is served. */
  finish(): Promise<void>;
}

/** The online store holds a later day of the view: this one does not go there. */
export const LATER_DAY_SERVED = "later day served";

/**
 * Begins a generation. Whoever begins one later takes the view over: what this one still writes
 * then is `MATERIALIZE_FENCED`. Begin before history is read, so that a later generation never
 * knows less.
 */
export async function beginSegments(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
  day: LocalDate,
  fingerprint: number,
): Promise<SegmentWriter | typeof LATER_DAY_SERVED> {
  const keys = segmentKeys(namespace, view);
  const source = `materialized:${view.name}`;
  const fenced = (): TidemarkError =>
    new TidemarkError(
      "MATERIALIZE_FENCED",
      `${store.name}: another run has begun to materialize view "${view.name}" since, and ` +
        "takes it over: let one run at a time materialize a view, and start this one again " +
        "where the other did not finish",
      { retryable: true },
    );
  let head: ViewHead;
  let generation: number;

  for (;;) {
    const [cell] = await store.read([keys.head]);
    head = cell == null ? { served: null, writing: null, obsolete: [] } : decodeHead(cell.value);
    if (head.served !== null && head.served.time > day.time) return LATER_DAY_SERVED;
    const reached =
      (await store.positions(source)).find(({ partition }) => partition === "generation")?.offset ??
      null;
    generation = (reached ?? 0) + 1;
    const next: ViewHead = {
      ...head,
      writing: { generation, segmentCount: 0 },
      obsolete: [...head.obsolete, ...(head.writing === null ? [] : [head.writing])],
    };
    if (
      (await store.write({
        source,
        cells: [
          {
            key: keys.head,
            value: encodeHead(next),
            expected: cell?.version ?? null,
            expires: null,
          },
        ],
        positions: [{ partition: "generation", expected: reached, next: generation }],
      })) === "conflict"
    )
      continue;
    head = next;
    break;
  }

  let waiting: CellWrite[] = [];
  let bytes = 0;

  /** One step, refused where another run took the view over. */
  async function write(cells: readonly CellWrite[]): Promise<void> {
    const done = await store.write({
      source,
      cells,
      positions: [{ partition: "generation", expected: generation, next: generation }],
    });
    if (done === "conflict") throw fenced();
  }

  /** Nobody else writes the head while the generation is ours. */
  async function setHead(next: ViewHead): Promise<void> {
    await write([{ key: keys.head, value: encodeHead(next), expected: undefined, expires: null }]);
    head = next;
  }

  async function flush(): Promise<void> {
    if (waiting.length > 0) await write(waiting);
    [waiting, bytes] = [[], 0];
  }

  async function deleteObsolete(): Promise<void> {
    for (const one of head.obsolete) {
      for (let from = 0; from < one.segmentCount; from += STEP_CELLS) {
        await write(
          Array.from({ length: Math.min(STEP_CELLS, one.segmentCount - from) }, (_, i) => ({
            key: keys.segment(one.generation, from + i),
            value: null,
            expected: undefined,
            expires: null,
          })),
        );
      }
    }
    if (head.obsolete.length > 0) await setHead({ ...head, obsolete: [] });
  }

  await deleteObsolete();
  return {
    setSegmentCount: (segmentCount) => setHead({ ...head, writing: { generation, segmentCount } }),
    async add(segment, value) {
      waiting.push({
        key: keys.segment(generation, segment),
        value,
        expected: undefined,
        expires: null,
      });
      bytes += value.length;
      if (bytes >= STEP_BYTES || waiting.length >= STEP_CELLS) await flush();
    },
    async finish() {
      await flush();
      const { served } = head;
      await setHead({
        served: { ...day, fingerprint, generation, segmentCount: head.writing!.segmentCount },
        writing: null,
        obsolete:
          served === null
            ? []
            : [{ generation: served.generation, segmentCount: served.segmentCount }],
      });
      await deleteObsolete();
    },
  };
}

export async function servedDay(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
): Promise<ServedDay | null> {
  const [cell] = await store.read([segmentKeys(namespace, view).head]);
  return cell == null ? null : decodeHead(cell.value).served;
}
