/** A change source over recorded topics: files of JSON lines. */
import { access } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource, Position } from "@tidemark/core/spi";
import { countLines, lines } from "./lines.ts";
import { messageFingerprint, type KafkaMessage, partitionName } from "../message/kafka-message.ts";
import type { MessageDecoder, OnWarning } from "../message/message-decoder.ts";
import { processWarning } from "../message/process-warning.ts";
import { recordedMessage } from "./recorded-line.ts";

/** How a recording is read; what the messages hold is the decoder's. */
export interface RecordedSourceOptions {
  /** A batch ends after so many changes (5,000) … */
  readonly batchChanges?: number | undefined;
  /** … or so many characters of lines (8 Mi), whichever is first. */
  readonly batchSize?: number | undefined;
  /**
   * Told once of each thing that a log loses without an error; by default a warning of the process.
   */
  readonly onWarning?: OnWarning | undefined;
}

export interface RecordedTopic extends ChangeSource {
  /** How many messages of the last run were of no declared source, by topic. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** How many offsets back a message that comes again in a file is known to be the same. */
const REMEMBERED = 65_536;

interface Partition {
  readonly name: string;
  readonly after: Position | undefined;
  /** Whether `after` was come by, so that what follows is new. */
  reached: boolean;
  /** The last message read. */
  last: KafkaMessage | null;
  /** Whether it holds anything of a declared source. */
  relevant: boolean;
  moved: boolean;
  readonly seen: Remembered;
}

/** The prints of the last offsets, each in the place of its offset modulo their number. */
class Remembered {
  private readonly offsets = new Float64Array(REMEMBERED).fill(-1);
  private readonly prints = new Int32Array(REMEMBERED);

  add(offset: number, print: number): void {
    this.offsets[offset % REMEMBERED] = offset;
    this.prints[offset % REMEMBERED] = print;
  }

  has(offset: number, print: number): boolean {
    return (
      this.offsets[offset % REMEMBERED] === offset && this.prints[offset % REMEMBERED] === print
    );
  }
}

/** Reads recorded topics and gives their messages to the decoder. */
export function recordedSource(
  paths: string | readonly string[],
  options: RecordedSourceOptions,
  decoder: MessageDecoder,
): RecordedTopic {
  const files = typeof paths === "string" ? [paths] : [...paths];
  const name = `recorded topic ${files.join(", ")}`;
  const mostChanges = options.batchChanges ?? 5_000;
  const mostSize = options.batchSize ?? 8 * 2 ** 20;
  let skipped: ReadonlyMap<string, number> = new Map();

  return {
    name,
    bounded: true,
    get skipped() {
      return skipped;
    },

    async *changes({ sources, after, signal }): AsyncGenerator<ChangeBatch> {
      const { onWarning = processWarning } = options;
      const running = decoder.start({ sources, onWarning });
      const skippedNow = new Map<string, number>();
      skipped = skippedNow;
      const positions = new Map(after.map((position) => [position.partition, position]));
      const partitions = new Map<string, Partition>();
      let changes: Change[] = [];
      let size = 0;
      const batch = (): ChangeBatch => {
        const moved = [...partitions.values()].filter(
          (partition) => partition.relevant && partition.moved,
        );
        const result = {
          changes,
          positions: moved.map(({ name, last }) => ({
            partition: name,
            offset: last!.offset,
            checkpoint: {
              message: { offset: last!.offset, fingerprint: messageFingerprint(last!) },
            },
          })),
        };
        for (const partition of moved) partition.moved = false;
        changes = [];
        size = 0;
        return result;
      };

      await allThere(files);
      await goesOnFrom(positions, files, name, signal);
      for await (const chunk of recorded(files, signal)) {
        for (const { message, place, length } of chunk) {
          const partition = partitionOf(partitions, positions, message);
          if (!isNew(partition, message, name, place)) continue;
          const change = running.decode(message);
          if (change === null)
            skippedNow.set(message.topic, (skippedNow.get(message.topic) ?? 0) + 1);
          else {
            changes.push(change);
            partition.relevant = true;
          }
          size += length;
          if (changes.length >= mostChanges || size >= mostSize) {
            yield batch();
            signal?.throwIfAborted();
          }
        }
      }
      signal?.throwIfAborted();
      const rest = batch();
      if (rest.changes.length > 0 || rest.positions.length > 0) yield rest;
    },

    async size({ signal }) {
      await allThere(files);
      let sum = 0;
      for (const file of files) {
        const count = await countLines(file, signal);
        if (count === null) return null;
        sum += count;
      }
      return sum;
    },
  };
}

interface RecordedLine {
  readonly message: KafkaMessage;
  /** `file:line` */
  readonly place: string;
  /** Characters of the line. */
  readonly length: number;
}

/**
 * The messages of a chunk of a file after the other; a line is looked at when it is come by, so
 * that what stands before a bad one is given.
 */
async function* recorded(
  files: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Iterable<RecordedLine>> {
  for (const file of files) {
    let before = 0;
    for await (const chunk of lines(file, signal)) {
      yield recordedLines(chunk, file, before);
      before += chunk.length;
    }
  }
}

function* recordedLines(
  chunk: readonly string[],
  file: string,
  before: number,
): Generator<RecordedLine> {
  for (const [i, line] of chunk.entries()) {
    if (line.trim() === "") continue;
    const number = before + i + 1;
    yield {
      message: recordedMessage(line, file, number),
      place: `${file}:${number}`,
      length: line.length,
    };
  }
}

/**
 * Law 5, before anything is given: what comes after every position is in the recording. A partition
 * of which nothing is stored may be the first that is read of a recording that is another one, so
 * this is a reading of its own; it ends where the last position is come by.
 */
async function goesOnFrom(
  positions: ReadonlyMap<string, Position>,
  files: readonly string[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ahead = new Set(positions.keys());
  if (ahead.size === 0) return;
  const partitions = new Map<string, Partition>();
  for await (const chunk of recorded(files, signal)) {
    for (const { message, place } of chunk) {
      const partition = partitionOf(partitions, positions, message);
      isNew(partition, message, name, place);
      if (partition.reached && ahead.delete(partition.name) && ahead.size === 0) return;
    }
  }
  // a recording may be of other topics; one that has anything of a topic must have what comes after
  // every position in it
  const topics = new Set([...partitions.keys()].map(topicOf));
  for (const partition of ahead) {
    if (topics.size > 0 && !topics.has(topicOf(partition))) continue;
    throw lost(
      name,
      positions.get(partition)!,
      partitions.has(partition)
        ? "the recording ends before it"
        : "the recording has nothing of that partition",
    );
  }
}

function topicOf(partition: string): string {
  return partition.slice(0, partition.lastIndexOf(":"));
}

async function allThere(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await access(file).catch((cause: unknown) => {
      throw new TidemarkError("TOPIC_NOT_FOUND", `recorded topic ${file}: there is no such file`, {
        cause,
      });
    });
  }
}

function partitionOf(
  partitions: Map<string, Partition>,
  positions: ReadonlyMap<string, Position>,
  message: KafkaMessage,
): Partition {
  const name = partitionName(message);
  let partition = partitions.get(name);
  if (partition === undefined) {
    const after = positions.get(name);
    partition = {
      name,
      after,
      reached: after === undefined,
      last: null,
      relevant: after !== undefined,
      moved: false,
      seen: new Remembered(),
    };
    partitions.set(name, partition);
  }
  return partition;
}

/** Takes note of the message; true where its effect is not in yet. */
function isNew(
  partition: Partition,
  message: KafkaMessage,
  source: string,
  place: string,
): boolean {
  const { after, last, seen } = partition;
  const { offset } = message;
  const print = fingerprint(message);
  if (last !== null && offset <= last.offset) {
    if (seen.has(offset, print)) return false;
    throw new TidemarkError(
      "TOPIC_LINE_INVALID",
      `${place}: offset ${offset} of ${partition.name} comes after offset ${last.offset} and ` +
        "is not a message that was read before; " +
        "offsets ascend within a partition, over all files: give the files in order, and each " +
        "recording of a topic its own state",
    );
  }
  seen.add(offset, print);
  partition.last = message;
  if (after !== undefined && offset <= after.offset) {
    if (offset < after.offset) return false;
    const stored = after.checkpoint?.message;
    if (stored?.offset === offset && stored.fingerprint !== messageFingerprint(message)) {
      throw new TidemarkError(
        "TOPIC_RECREATED",
        `${source}: the message at offset ${offset} of ${partition.name} is not the one the ` +
          "stored position was taken from; " +
          "the topic was created anew or this is another recording: give the recording that " +
          "was read before, or start with empty stores; where this one holds a new snapshot, " +
          "begin the source anew with store.resnapshot",
      );
    }
    partition.reached = true;
    return false;
  }
  // A recording that goes on right after the position has lost nothing.
  if (!partition.reached && after !== undefined && !(last === null && offset === after.offset + 1))
    throw lost(source, after, `the recording goes on at offset ${offset}`);
  partition.reached = true;
  partition.moved = true;
  return true;
}

function lost(source: string, position: Position, what: string): TidemarkError {
  return new TidemarkError(
    "LOG_LOST",
    `${source}: offset ${position.offset} of ${position.partition}, up to which changes were ` +
      `applied, is not in the log: ${what}; ` +
      "give the whole recording, or start with empty stores; where it holds a new snapshot, " +
      "begin the source anew with store.resnapshot",
  );
}

/** A hash that tells a message that comes again from another at its offset. */
function fingerprint({ timestamp, keyText: key, valueText: value }: KafkaMessage): number {
  let hash = (timestamp ?? 0) | 0;
  hash = Math.imul(hash ^ (value === null ? -1 : value.length), 0x0100_0193);
  if (key !== null)
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return hash;
}
