/**
 * The compute engine that asks a kernel over the wire. It feeds sorted rows and reads the answers.
 * A kernel that dies is a named error, and never a smaller answer.
 */
import { once } from "node:events";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import type {
  ColumnSpec,
  ComputeEngine,
  DeriveNode,
  EngineColumn,
  Vector,
} from "@tidemark/core/spi";
import {
  answerSplits,
  computeSplit,
  concatVectors,
  eventColumns,
  gatheredEvents,
  layoutOf,
  pickRows,
  typeOf,
  type Split,
} from "@tidemark/core/internal";
import { jobJson, rowColumns, type KernelCounters, type KernelJob } from "./kernel-job.ts";
import { answerTypes, readAnswers } from "./wire/answers.ts";
import { BufferWriter, writeColumn } from "./wire/columns.ts";
import {
  FRAME,
  frameInvalid,
  frameOf,
  jsonFrame,
  jsonOf,
  readFrames,
  WIRE_FORMAT,
} from "./wire/frames.ts";

/** How a kernel is fed. */
export interface KernelEngineOptions {
  /**
   * The kernel gathers so many rows of whole entities, and then answers them. Default: 200,000.
   */
  readonly rowsPerRun?: number | undefined;
  /** A frame has at most so many rows. Default: 65,536. */
  readonly rowsPerFrame?: number | undefined;
  /** Gets the number of sums outside their type, if there are any (law 3: they are counted). */
  readonly onOverflow?: ((count: number) => void) | undefined;
  /** Gets what the kernel counted. */
  readonly onCounters?: ((counters: KernelCounters) => void) | undefined;
}

/** The number of rows that a kernel answers at once. */
export const ROWS_PER_RUN = 200_000;
const ROWS_PER_FRAME = 65_536;
const ENDING_MILLIS = 1000;

const KEY: ColumnSpec = { name: "_entity", database: "_entity", type: "int32", nullable: false };

/** Makes an engine that starts a kernel for each task. */
export function kernelEngine(
  name: string,
  start: () => RunningKernel,
  options: KernelEngineOptions,
): ComputeEngine {
  const { rowsPerRun = ROWS_PER_RUN, rowsPerFrame = ROWS_PER_FRAME } = options;
  for (const [option, value] of Object.entries({ rowsPerRun, rowsPerFrame }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TidemarkError(
        "OPTION_INVALID",
        `${name}: ${option} is ${value}; give a whole number of at least 1`,
      );
  return {
    name,
    async compute(task, host) {
      const { plan } = task;
      const job = { plan, keys: [KEY], input: "events", dimensions: [], rowsPerRun } as const;
      return await answerSplits(task, host, {
        concurrency: 1,
        rowsPerSplit: () => Infinity,
        async compute(load) {
          const split = await load();
          if (split.carried != null) return await withCarriedStates(split, options);
          const kernel = start();
          try {
            const rows = sortedRows(split);
            return await ask(kernel, job, rows, rowsPerFrame, options, host.signal);
          } finally {
            kernel.kill();
          }
        },
      });
    },
  };
}

/** Answers a split with states of rows that are not in it. The wire has none, so no kernel does. */
async function withCarriedStates(
  split: Split,
  { onOverflow }: KernelEngineOptions,
): Promise<readonly EngineColumn[]> {
  const { answers, overflows } = await computeSplit(split);
  if (overflows > 0) onOverflow?.(overflows);
  return answers;
}

/** The rows of a split, sorted by entity. */
interface SortedRows {
  readonly length: number;
  /** The vectors of the columns of frames, for all rows. */
  readonly vectors: readonly Vector[];
  /** The number of entity rows. They are answered in their order. */
  readonly entityRows: number;
}

/** Puts events and entity rows of each entity one after the other. */
function sortedRows({ plan, first, starts, times, batches }: Split): SortedRows {
  const columns = eventColumns(plan.input.input);
  const entities = starts.length - 1;
  const gathered = gatheredEvents(columns, batches, first, entities);
  const eventCount = gathered.time.length;
  const length = eventCount + times.length;
  // first all events, and then all entity rows
  const order = new Int32Array(length);
  const entity = new Int32Array(length);
  let row = 0;
  for (let e = 0; e < entities; e++) {
    const start = row;
    for (let i = gathered.starts[e]!; i < gathered.starts[e + 1]!; i++) order[row++] = i;
    for (let place = starts[e]!; place < starts[e + 1]!; place++) order[row++] = eventCount + place;
    entity.fill(first + e, start, row);
  }
  const doubles = (of: (i: number) => number): Float64Array => Float64Array.from(order, of);
  const known = (values: Float64Array | null, always: number): Vector => {
    const all = doubles((i) => (i < eventCount ? (values?.[i] ?? always) : always));
    const valid = Uint8Array.from(all, (time) => (time === always ? 0 : 1));
    return {
      kind: "float64",
      values: all.map((time) => (time === always ? 0 : time)),
      valid: valid.includes(0) ? valid : null,
    };
  };
  const { time, from, to } = gathered;
  const own = gathered.columns.vectors.map((vector, c) =>
    pickRows(concatVectors([vector, typeOf(columns[c]!).layout.missing(times.length)]), order),
  );
  return {
    length,
    entityRows: times.length,
    vectors: [
      {
        kind: "boolean",
        values: Uint8Array.from(order, (i) => (i < eventCount ? 0 : 1)),
        valid: null,
      },
      { kind: "int32", values: new Int32Array(length), valid: null },
      {
        kind: "float64",
        values: doubles((i) => (i < eventCount ? time[i]! : times[i - eventCount]!)),
        valid: null,
      },
      known(from, -Infinity),
      known(to, Infinity),
      { kind: "int32", values: entity, valid: null },
      ...own,
    ],
  };
}

/** A kernel that runs, wherever it is. */
export interface RunningKernel {
  readonly stdin: Writable;
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Says how the kernel ended, once it has. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  kill(): void;
}

/** Feeds the kernel and reads its answers, at the same time. */
async function ask(
  kernel: RunningKernel,
  job: KernelJob,
  rows: SortedRows,
  rowsPerFrame: number,
  options: KernelEngineOptions,
  signal: AbortSignal | undefined,
): Promise<readonly EngineColumn[]> {
  signal?.throwIfAborted();
  const abort = (): void => {
    kernel.kill();
  };
  signal?.addEventListener("abort", abort);
  try {
    const feeding = feed(kernel.stdin, job, rows, rowsPerFrame);
    feeding.catch(abort);
    const answers = await read(kernel, job.plan, rows, options);
    await feeding;
    return answers;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

async function feed(
  stdin: Writable,
  job: KernelJob,
  { length, vectors }: SortedRows,
  rowsPerFrame: number,
): Promise<void> {
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (stdin.destroyed || stdin.write(bytes)) return;
    await Promise.race([once(stdin, "drain"), once(stdin, "close")]);
  };
  await write(jsonFrame(FRAME.hello, { format: WIRE_FORMAT, job: jobJson(job) }));
  const columns = rowColumns(job);
  for (let first = 0; first < length; first += rowsPerFrame) {
    const end = Math.min(first + rowsPerFrame, length);
    const writer = new BufferWriter();
    writer.pair(end - first, 0);
    vectors.forEach((vector, c) => {
      writeColumn(writer, columns[c]!, layoutOf(vector).slice(vector, first, end));
    });
    await write(frameOf(FRAME.rows, writer.parts));
  }
  stdin.end(jsonFrame(FRAME.end, {}));
}

async function read(
  kernel: RunningKernel,
  plan: DeriveNode,
  rows: SortedRows,
  { onOverflow, onCounters }: KernelEngineOptions,
): Promise<readonly EngineColumn[]> {
  const types = answerTypes(plan);
  const parts: (readonly EngineColumn[])[] = [];
  let answered = 0;
  let isGreeted = false;
  try {
    for await (const frame of readFrames(kernel.stdout)) {
      if (!isGreeted && frame.kind !== FRAME.hello && frame.kind !== FRAME.error)
        throw frameInvalid("does not begin with a hello");
      isGreeted = true;
      switch (frame.kind) {
        case FRAME.hello: {
          const { format } = jsonOf(frame) as { readonly format?: unknown };
          if (format !== WIRE_FORMAT)
            throw new TidemarkError(
              "KERNEL_MISMATCH",
              `the kernel speaks ${String(format)}, and this engine ${WIRE_FORMAT}; use the same ` +
                "version of @tidemark/engine-spark on both sides",
            );
          break;
        }
        case FRAME.answers: {
          const { length, answers } = readAnswers(types, frame);
          parts.push(answers);
          answered += length;
          break;
        }
        case FRAME.error: {
          const { code, message } = jsonOf(frame) as {
            readonly code: string;
            readonly message: string;
          };
          throw new TidemarkError<string>(code, message);
        }
        case FRAME.end: {
          const counters = jsonOf(frame) as KernelCounters;
          if (answered !== rows.entityRows || counters.rows !== answered)
            throw frameInvalid(`has ${answered} answers to ${rows.entityRows} entity rows`);
          onCounters?.(counters);
          if (counters.overflows > 0) onOverflow?.(counters.overflows);
          return joined(
            types.map((type) => typeOf(type).layout.missing(0)),
            parts,
          );
        }
        default:
          throw frameInvalid(`has a frame of the kind ${frame.kind}, which no engine reads`);
      }
    }
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== "KERNEL_FRAME_INVALID") throw error;
    // the output of a process ends a moment before the process does
    await Promise.race([kernel.ended, sleep(ENDING_MILLIS)]);
    if (!kernel.hasEnded()) throw error;
    throw died(await kernel.ended, error);
  }
  throw died(await kernel.ended);
}

function died(how: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    "KERNEL_DIED",
    `the kernel process died before it had answered: ${how}; ` +
      "give the machine more memory or the engine a smaller rowsPerRun, and run it again",
    { cause, retryable: true },
  );
}

/** The answers one after the other. */
function joined(
  none: readonly Vector[],
  parts: readonly (readonly EngineColumn[])[],
): readonly EngineColumn[] {
  const length = parts.reduce((sum, answers) => sum + answers[0]!.times.length, 0);
  return none.map((empty, c) => {
    const columns = parts.map((answers) => answers[c]!);
    const statuses = new Uint8Array(length);
    const times = new Float64Array(length);
    let at = 0;
    for (const one of columns) {
      statuses.set(one.statuses, at);
      times.set(one.times, at);
      at += one.times.length;
    }
    const values = columns.length === 0 ? empty : concatVectors(columns.map((one) => one.values));
    return { values, statuses, times };
  });
}
