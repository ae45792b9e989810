/**
 * The kernel: reads frames of sorted rows, gathers whole entities to runs, and answers the entity
 * rows of each run by the local engine.
 */
import { createHash } from "node:crypto";
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type {
  Batch,
  ColumnSpec,
  ComputeEngine,
  EngineColumn,
  Events,
  Value,
  Vector,
} from "@tidemark/core/spi";
import { valueAt } from "@tidemark/core/spi";
import {
  eventColumns,
  gatherEvents,
  inputOf,
  keyNumbers,
  layoutOf,
  localEngine,
  lookupIn,
  pickRows,
  projectedEvents,
  typeOf,
  type Lookup,
  type Overflows,
} from "@tidemark/core/internal";
import { answerTypes, writeAnswers } from "./wire/answers.ts";
import { BufferReader, readColumn } from "./wire/columns.ts";
import {
  FRAME,
  frameInvalid,
  frameOf,
  jsonFrame,
  jsonOf,
  readFrames,
  WIRE_FORMAT,
  type Frame,
} from "./wire/frames.ts";
import {
  jobOf,
  kernelLookups,
  ROW_COLUMNS,
  rowColumns,
  scannedColumns,
  type KernelCounters,
  type KernelJob,
} from "./kernel-job.ts";

/** Where the kernel reads and writes frames. */
export interface KernelStreams {
  readonly input: AsyncIterable<Uint8Array>;
  /** Writes bytes, and resolves when more may be written. */
  readonly write: (bytes: Uint8Array) => void | Promise<void>;
  /** The text of the program, whose SHA-256 the host compares. */
  readonly program: Uint8Array;
}

/** A frame of answers has at most so many rows. */
const ROWS_PER_ANSWER = 65_536;

/**
 * Answers one job. An error is told to the host in a frame, and the result is false.
 */
export async function runKernel({ input, write, program }: KernelStreams): Promise<boolean> {
  try {
    const frames = readFrames(input);
    const first = await frames.next();
    if (first.done === true) throw frameInvalid("ends before its first frame");
    const job = jobOfHello(first.value);
    await write(
      jsonFrame(FRAME.hello, {
        format: WIRE_FORMAT,
        sha256: createHash("sha256").update(program).digest("hex"),
        node: process.version,
      }),
    );
    await write(jsonFrame(FRAME.end, await new Kernel(job, write).run(frames)));
    return true;
  } catch (error) {
    await write(jsonFrame(FRAME.error, errorJson(error)));
    return false;
  }
}

function errorJson(error: unknown): { readonly code: string; readonly message: string } {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { code, message } = isTidemarkError(error)
    ? error
    : new TidemarkError("KERNEL_FAILED", `the kernel has a fault, please report it: ${text}`);
  return { code, message };
}

function jobOfHello(frame: Frame): KernelJob {
  if (frame.kind !== FRAME.hello) throw frameInvalid("does not begin with a hello");
  const { format, job } = jsonOf(frame) as { readonly format?: unknown; readonly job?: unknown };
  if (format !== WIRE_FORMAT)
    throw new TidemarkError(
      "KERNEL_MISMATCH",
      `the host speaks ${String(format)}, and this kernel ${WIRE_FORMAT}; use the same version ` +
        "of @tidemark/engine-spark on both sides",
    );
  return jobOf(job);
}

/** The rows of a frame. */
interface Rows {
  readonly length: number;
  readonly label: Uint8Array;
  readonly part: Int32Array;
  readonly at: Float64Array;
  readonly from: Vector;
  readonly to: Vector;
  readonly keys: readonly Vector[];
  /** 1: an entity begins with the row. */
  readonly begins: Uint8Array;
  readonly own: readonly Vector[];
}

class Kernel {
  private readonly job: KernelJob;
  private readonly write: KernelStreams["write"];
  private readonly engine: ComputeEngine;
  private readonly columns: readonly ColumnSpec[];
  private readonly dimensions: Batch[][];
  private lookups: readonly Lookup[] | null = null;
  private readonly overflows: Overflows = { count: 0 };
  private readonly counters = { rows: 0, events: 0, runs: 0, longestRun: 0 };
  private overflowed = 0;
  private truncated = 0;
  /** The keys of the last row; null: there was none. */
  private last: readonly Value[] | null = null;
  // the run that is gathered
  private entities = 0;
  private rows = 0;
  private events: Events[] = [];
  private labelEntity: number[] = [];
  private labelTime: number[] = [];

  constructor(job: KernelJob, write: KernelStreams["write"]) {
    this.job = job;
    this.write = write;
    this.columns = rowColumns(job);
    this.dimensions = kernelLookups(job).map(() => []);
    this.engine = localEngine({
      // each task of a host has its own kernel
      workers: 0,
      onOverflow: (count) => {
        this.overflowed += count;
      },
      onTruncated: (count) => {
        this.truncated += count;
      },
    });
  }

  async run(frames: AsyncIterable<Frame>): Promise<KernelCounters> {
    for await (const frame of frames) {
      if (frame.kind === FRAME.end) {
        await this.endRun();
        return {
          ...this.counters,
          overflows: this.overflowed + this.overflows.count,
          truncated: this.truncated + (this.overflows.truncated ?? 0),
        };
      }
      if (frame.kind === FRAME.dimension) this.addDimension(frame);
      else if (frame.kind === FRAME.rows) await this.addRows(frame);
      else throw frameInvalid(`has a frame of the kind ${frame.kind}, which no kernel reads`);
    }
    throw frameInvalid("ends without an end frame");
  }

  private addDimension({ body }: Frame): void {
    const reader = new BufferReader(body);
    const [length, lookup] = reader.pair();
    const columns = this.job.dimensions[lookup]?.columns;
    if (columns === undefined || this.lookups !== null)
      throw frameInvalid("has rows of a dimension where none were expected");
    const vectors = columns.map((column) => readColumn(reader, column, length));
    reader.end();
    this.dimensions[lookup]!.push({ length, columns, vectors });
  }

  private async addRows({ body }: Frame): Promise<void> {
    this.lookups ??= await lookupsOfJob(this.job, this.dimensions, this.overflows);
    const reader = new BufferReader(body);
    const [length] = reader.pair();
    const vectors = this.columns.map((column) => readColumn(reader, column, length));
    reader.end();
    if (length === 0) return;
    const [label, part, at, from, to] = vectors as Vector[];
    const firstOwn = ROW_COLUMNS.length + this.job.keys.length;
    const rows: Rows = {
      length,
      label: (label as { readonly values: Uint8Array }).values,
      part: (part as { readonly values: Int32Array }).values,
      at: (at as { readonly values: Float64Array }).values,
      from: from!,
      to: to!,
      keys: vectors.slice(ROW_COLUMNS.length, firstOwn),
      begins: new Uint8Array(length),
      own: vectors.slice(firstOwn),
    };
    let first = 0;
    for (const start of this.entityStarts(rows))
      // a run ends where an entity ends
      if (this.rows + start - first >= this.job.rowsPerRun) {
        this.addSegment(rows, first, start);
        await this.endRun();
        first = start;
      }
    this.addSegment(rows, first, length);
  }

  /** The rows at which an entity begins. Entities must ascend, so that none comes twice. */
  private entityStarts({ length, keys, begins }: Rows): readonly number[] {
    const starts: number[] = [];
    const types = this.job.keys.map(typeOf);
    for (let i = 0; i < length; i++) {
      if (i > 0 && keys.every((vector) => hasSameCode(vector, i))) continue;
      const values = keys.map((vector) => valueAt(vector, i));
      if (values.includes(null)) throw frameInvalid("has a row without a key");
      let order = this.last === null ? 1 : 0;
      for (let k = 0; k < values.length && order === 0; k++)
        order = types[k]!.compare(values[k]!, this.last![k]!);
      if (order < 0)
        throw new TidemarkError(
          "KERNEL_INPUT_UNSORTED",
          "the rows of a kernel are not sorted by their entity, so that an entity would be cut; " +
            "report this",
        );
      this.last = values;
      if (order === 0) continue;
      begins[i] = 1;
      starts.push(i);
    }
    return starts;
  }

  /** Adds the rows [first, end) of a frame to the run. */
  private addSegment(rows: Rows, first: number, end: number): void {
    const length = end - first;
    if (length === 0) return;
    const entity = new Int32Array(length);
    const time = rows.at.slice(first, end);
    for (let i = first; i < end; i++) {
      if (rows.begins[i] === 1) this.entities++;
      if (rows.label[i] === 1) {
        entity[i - first] = -1;
        this.labelEntity.push(this.entities - 1);
        this.labelTime.push(rows.at[i]!);
      } else {
        entity[i - first] = this.entities - 1;
        this.counters.events++;
      }
    }
    this.rows += length;
    const from = timesOf(rows.from, first, end, -Infinity);
    const to = timesOf(rows.to, first, end, Infinity);
    const own = rows.own.map((vector) => layoutOf(vector).slice(vector, first, end));
    const part = rows.part.subarray(first, end);
    this.addEvents({ length, entity, time, from, to }, own, part);
  }

  /** Makes the events of the rows, as the host of an engine does. */
  private addEvents(rows: Omit<Events, "columns">, own: readonly Vector[], part: Int32Array): void {
    const { plan, input } = this.job;
    const { length } = rows;
    if (input === "events") {
      const columns = { length, columns: eventColumns(plan.input.input), vectors: own };
      this.events.push({ ...rows, columns });
      return;
    }
    const node = inputOf(plan.input.input);
    if (node.node === "scan") {
      const scanned = { length, columns: node.columns, vectors: own };
      const columns = this.lookups!.reduce((batch, lookUp) => lookUp(batch, rows.time), scanned);
      this.events.push({ ...rows, columns });
      return;
    }
    let before = 0;
    scannedColumns(plan).forEach((columns, p) => {
      const vectors = own.slice(before, before + columns.length);
      before += columns.length;
      const wanted = Int32Array.from(part.keys()).filter(
        (i) => part[i] === p && rows.entity[i]! >= 0,
      );
      if (wanted.length === 0) return;
      const picked = (values: Float64Array): Float64Array =>
        Float64Array.from(wanted, (i) => values[i]!);
      const events: Events = {
        length: wanted.length,
        entity: wanted.map((i) => rows.entity[i]!),
        time: picked(rows.time),
        from: picked(rows.from),
        to: picked(rows.to),
        columns: {
          length: wanted.length,
          columns,
          vectors: vectors.map((vector) => pickRows(vector, wanted)),
        },
      };
      this.events.push(projectedEvents(node.inputs[p]!.input, events, this.overflows));
    });
  }

  /** Answers the entity rows of the run. */
  private async endRun(): Promise<void> {
    const { events, entities } = this;
    const length = this.labelEntity.length;
    const entityRows = {
      length,
      keyCount: entities,
      entity: Int32Array.from(this.labelEntity),
      time: Float64Array.from(this.labelTime),
    };
    if (this.rows > 0) this.counters.runs++;
    this.counters.longestRun = Math.max(this.counters.longestRun, this.rows);
    this.entities = 0;
    this.rows = 0;
    this.events = [];
    this.labelEntity = [];
    this.labelTime = [];
    if (length === 0) return;
    const { plan } = this.job;
    const answers = await this.engine.compute(
      { plan, tables: [], knowledge: "as-known", rows: entityRows },
      {
        async *events() {
          yield* events;
        },
        keys() {
          throw new TypeError("the local engine needs no keys");
        },
      },
    );
    const types = answerTypes(plan);
    for (let first = 0; first < length; first += ROWS_PER_ANSWER) {
      const end = Math.min(first + ROWS_PER_ANSWER, length);
      const parts = answers.map((answer) => slicedAnswer(answer, first, end));
      await this.write(frameOf(FRAME.answers, writeAnswers(types, parts, end - first)));
    }
    this.counters.rows += length;
  }
}

function slicedAnswer(
  { values, statuses, times }: EngineColumn,
  first: number,
  end: number,
): EngineColumn {
  return {
    values: layoutOf(values).slice(values, first, end),
    statuses: statuses.subarray(first, end),
    times: times.subarray(first, end),
  };
}

/** Whether a key is surely that of the row before. */
function hasSameCode(vector: Vector, i: number): boolean {
  if (vector.valid !== null) return false;
  if (vector.kind === "string") return vector.codes[i] === vector.codes[i - 1];
  return "values" in vector && vector.kind !== "map" && vector.values[i] === vector.values[i - 1];
}

/** The times of some rows, with `missing` where there is none. */
function timesOf(vector: Vector, first: number, end: number, missing: number): Float64Array {
  const { values, valid } = vector as {
    readonly values: Float64Array;
    readonly valid: Uint8Array | null;
  };
  const times = values.slice(first, end);
  if (valid !== null)
    for (let i = first; i < end; i++) if (valid[i] === 0) times[i - first] = missing;
  return times;
}

/** Makes the lookups of a job out of the rows of its dimensions. */
async function lookupsOfJob(
  job: KernelJob,
  dimensions: readonly (readonly Batch[])[],
  overflows: Overflows,
): Promise<readonly Lookup[]> {
  return Promise.all(
    kernelLookups(job).map(async (node, d) => {
      const { primaryKey, columns } = job.dimensions[d]!;
      const stored = columns.slice(2 + primaryKey.length);
      const numbers = new Map<string, number>();
      const batches = dimensions[d]!.map((batch): Events => {
        const { length, vectors } = batch;
        const numberOf = keyNumbers(primaryKey, vectors.slice(2, 2 + primaryKey.length), (text) => {
          let number = numbers.get(text);
          if (number === undefined) numbers.set(text, (number = numbers.size));
          return number;
        });
        const from = timesOf(vectors[0]!, 0, length, Infinity);
        return {
          length,
          entity: Int32Array.from({ length }, (_, i) => numberOf(i)),
          time: from,
          from,
          to: timesOf(vectors[1]!, 0, length, Infinity),
          columns: { length, columns: stored, vectors: vectors.slice(2 + primaryKey.length) },
        };
      });
      const gathered = await gatherEvents(stored, batches, numbers.size);
      const { length } = gathered.columns;
      const versions = {
        numberOf: (text: string) => numbers.get(text) ?? -1,
        starts: gathered.starts,
        from: gathered.from ?? new Float64Array(length).fill(-Infinity),
        to: gathered.to ?? new Float64Array(length).fill(Infinity),
        columns: gathered.columns,
      };
      return lookupIn(node, primaryKey, versions, overflows);
    }),
  );
}
