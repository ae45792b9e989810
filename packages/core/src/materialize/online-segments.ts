/**
 * The rows of a view's newest materialized day, in the online store.
 * A day is written as a new generation of segments, beside the one that is served.
 * When the generation is complete, the view's head switches to it in one step. So a reader sees one
 * whole day.
 * An earlier day never replaces the day that is served.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ViewSpec } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { decodeJson, encodeJson } from "../online/json-cell.ts";
import type { LocalDate } from "./local-date.ts";

const FORMAT = 1;
/**
 * The most bytes in one step of the store.
 * A step has a fixed cost, so it is large. Other writers wait for it, so it is bounded.
 */
const STEP_BYTES = 16 * 2 ** 20;
const STEP_CELLS = 5_000;

/** The key of the newest generation in the metadata of the view. */
const GENERATION = "generation";

interface SegmentGeneration {
  readonly generation: number;
  readonly segmentCount: number;
}

/** The day that is served. */
export interface ServedDay extends SegmentGeneration, LocalDate {
  readonly fingerprint: number;
}

/** The head cell of a view: which generation is served, and which others exist. */
export interface ViewHead {
  readonly served: ServedDay | null;
  /** The generation that a run is writing, or has left unfinished. */
  readonly writing: SegmentGeneration | null;
  /** Generations that no reader uses any more. */
  readonly obsolete: readonly SegmentGeneration[];
}

/** The keys of a view's cells. */
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
      `online store: the head of a materialized view has format ${stored.format}, ` +
        `this version reads ${FORMAT}: use the version of Tidemark that wrote it`,
    );
  return stored;
}

function encodeHead({ served, writing, obsolete }: ViewHead): Uint8Array {
  return encodeJson({ format: FORMAT, served, writing, obsolete });
}

/** Writes the segments of one generation. */
export interface SegmentWriter {
  /** Sets the number of segments of the generation. Call it before the first segment. */
  setSegmentCount(segments: number): Promise<void>;
  add(segment: number, value: Uint8Array): Promise<void>;
  /** Completes the generation: from now on its rows are served. */
  finish(): Promise<void>;
}

/**
 * The result if the online store serves a later day of the view, so that this day is not written.
 */
export const LATER_DAY_SERVED = "later day served";

/**
 * Begins a generation.
 * A run that begins a later one takes the view over. Further writes to this one are refused.
 * Begin before history is read, so that a later generation never holds less.
 *
 * @throws MATERIALIZE_FENCED from the writer when another run has taken the view over.
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
      `${store.name}: another run has begun to materialize view "${view.name}" since, ` +
        "and takes it over: let one run at a time materialize a view, " +
        "and start this one again where the other did not finish",
      { retryable: true },
    );
  let head: ViewHead;
  let generation: number;

  for (;;) {
    const [cell] = await store.read([keys.head]);
    head = cell == null ? { served: null, writing: null, obsolete: [] } : decodeHead(cell.value);
    if (head.served !== null && head.served.time > day.time) return LATER_DAY_SERVED;
    const begun = (await store.metadata(source)).get(GENERATION) ?? null;
    generation = (begun === null ? 0 : (JSON.parse(begun) as number)) + 1;
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
        positions: [],
        metadata: [{ key: GENERATION, expected: begun, next: JSON.stringify(generation) }],
      })) === "conflict"
    )
      continue;
    head = next;
    break;
  }

  let waiting: CellWrite[] = [];
  let bytes = 0;

  /** Writes one step. It is refused if another run has taken the view over. */
  async function write(cells: readonly CellWrite[]): Promise<void> {
    const text = JSON.stringify(generation);
    const done = await store.write({
      source,
      cells,
      positions: [],
      metadata: [{ key: GENERATION, expected: text, next: text }],
    });
    if (done === "conflict") throw fenced();
  }

  /** Writes the head. No other run writes it while this generation is the newest. */
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

/**
 * Takes a view over, so that a run that computed its rows before now writes none of them. Such a
 * run ends with `MATERIALIZE_FENCED`, and can be started again. The result is null if the view has
 * no cells.
 */
export async function fenceSegments(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
): Promise<ViewHead | null> {
  const { head } = segmentKeys(namespace, view);
  const source = `materialized:${view.name}`;
  for (;;) {
    const [cell] = await store.read([head]);
    if (cell == null) return null;
    const begun = (await store.metadata(source)).get(GENERATION) ?? null;
    const next = JSON.stringify((begun === null ? 0 : (JSON.parse(begun) as number)) + 1);
    const step = { source, cells: [], positions: [] };
    const metadata = [{ key: GENERATION, expected: begun, next }];
    if ((await store.write({ ...step, metadata })) === "conflict") continue;
    return decodeHead(cell.value);
  }
}

export async function servedDay(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
): Promise<ServedDay | null> {
  const [cell] = await store.read([segmentKeys(namespace, view).head]);
  return cell == null ? null : decodeHead(cell.value).served;
}
