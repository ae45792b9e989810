/** A change source over recorded topics: files of JSON lines. */
import { access } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource, Position } from "@tidemark/core/spi";
import { countLines, lineChunks } from "./lines.ts";
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

/** A change source that reads a file of recorded messages. */
export interface RecordedTopic extends ChangeSource {
  /** How many messages of the last run were of no declared source, by topic. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** How many offsets back a message that comes again in a file is known to be the same. */
const RECENT_OFFSETS = 65_536;

interface RecordedPartition {
  readonly name: string;
  readonly after: Position | undefined;
  /** Whether `after` was come by, so that what follows is new. */
  afterReached: boolean;
  /** The last message read. */
  last: KafkaMessage | null;
  /** Whether it holds anything of a declared source. */
  relevant: boolean;
  moved: boolean;
  readonly seen: RecentMessages;
}

/** The prints of the last offsets, each in the place of its offset modulo their number. */
class RecentMessages {
  private readonly offsets = new Float64Array(RECENT_OFFSETS).fill(-1);
  private readonly hashes = new Int32Array(RECENT_OFFSETS);

  add(offset: number, hash: number): void {
    this.offsets[offset % RECENT_OFFSETS] = offset;
    this.hashes[offset % RECENT_OFFSETS] = hash;
  }

  has(offset: number, hash: number): boolean {
    return (
      this.offsets[offset % RECENT_OFFSETS] === offset &&
      this.hashes[offset % RECENT_OFFSETS] === hash
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
  const maxChanges = options.batchChanges ?? 5_000;
  const maxSize = options.batchSize ?? 8 * 2 ** 20;
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
      const partitions = new Map<string, RecordedPartition>();
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

      await checkFilesExist(files);
      await checkContinuation(positions, files, name, signal);
      for await (const chunk of recordedChunks(files, signal)) {
        for (const { message, location, length } of chunk) {
          const partition = partitionStateOf(partitions, positions, message);
          if (!recordIfNew(partition, message, name, location)) continue;
          const change = running.decode(message);
          if (change === null)
            skippedNow.set(message.topic, (skippedNow.get(message.topic) ?? 0) + 1);
          else {
            changes.push(change);
            partition.relevant = true;
          }
          size += length;
          if (changes.length >= maxChanges || size >= maxSize) {
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
      await checkFilesExist(files);
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
  readonly location: string;
  /** Characters of the line. */
  readonly length: number;
}

/**
 * The messages of a chunk of a file after the other; a line is looked at when it is come by, so
 * that what stands before a bad one is given.
 */
async function* recordedChunks(
  files: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Iterable<RecordedLine>> {
  for (const file of files) {
    let before = 0;
    for await (const chunk of lineChunks(file, signal)) {
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
      location: `${file}:${number}`,
      length: line.length,
    };
  }
}

/**
 * Law 5, before anything is given: what comes after every position is in the recording. A partition
 * of which nothing is stored may be the first that is read of a recording that is another one, so
 * this is a reading of its own; it ends where the last position is come by.
 */
async function checkContinuation(
  positions: ReadonlyMap<string, Position>,
  files: readonly string[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unreached = new Set(positions.keys());
  if (unreached.size === 0) return;
  const partitions = new Map<string, RecordedPartition>();
  for await (const chunk of recordedChunks(files, signal)) {
    for (const { message, location } of chunk) {
      const partition = partitionStateOf(partitions, positions, message);
      recordIfNew(partition, message, name, location);
      if (partition.afterReached && unreached.delete(partition.name) && unreached.size === 0)
        return;
    }
  }
  // a recording may be of other topics; one that has anything of a topic must have what comes after
  // every position in it
  const topics = new Set([...partitions.keys()].map(topicOfPartition));
  for (const partition of unreached) {
    if (topics.size > 0 && !topics.has(topicOfPartition(partition))) continue;
    throw logLost(
      name,
      positions.get(partition)!,
      partitions.has(partition)
        ? "the recording ends before it"
        : "the recording has nothing of that partition",
    );
  }
}

function topicOfPartition(partition: string): string {
  return partition.slice(0, partition.lastIndexOf(":"));
}

async function checkFilesExist(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await access(file).catch((cause: unknown) => {
      throw new TidemarkError("TOPIC_NOT_FOUND", `recorded topic ${file}: there is no such file`, {
        cause,
      });
    });
  }
}

function partitionStateOf(
  partitions: Map<string, RecordedPartition>,
  positions: ReadonlyMap<string, Position>,
  message: KafkaMessage,
): RecordedPartition {
  const name = partitionName(message);
  let partition = partitions.get(name);
  if (partition === undefined) {
    const after = positions.get(name);
    partition = {
      name,
      after,
      afterReached: after === undefined,
      last: null,
      relevant: after !== undefined,
      moved: false,
      seen: new RecentMessages(),
    };
    partitions.set(name, partition);
  }
  return partition;
}

/** Takes note of the message; true where its effect is not in yet. */
function recordIfNew(
  partition: RecordedPartition,
  message: KafkaMessage,
  source: string,
  location: string,
): boolean {
  const { after, last, seen } = partition;
  const { offset } = message;
  const hash = messageHash(message);
  if (last !== null && offset <= last.offset) {
    if (seen.has(offset, hash)) return false;
    throw new TidemarkError(
      "TOPIC_LINE_INVALID",
      `${location}: offset ${offset} of ${partition.name} comes after offset ${last.offset} and ` +
        "is not a message that was read before; " +
        "offsets ascend within a partition, over all files: give the files in order, and each " +
        "recording of a topic its own state",
    );
  }
  seen.add(offset, hash);
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
          "run tidemark resnapshot SOURCE, or call store.resnapshot",
      );
    }
    partition.afterReached = true;
    return false;
  }
  // A recording that goes on right after the position has lost nothing.
  if (
    !partition.afterReached &&
    after !== undefined &&
    !(last === null && offset === after.offset + 1)
  )
    throw logLost(source, after, `the recording goes on at offset ${offset}`);
  partition.afterReached = true;
  partition.moved = true;
  return true;
}

function logLost(source: string, position: Position, what: string): TidemarkError {
  return new TidemarkError(
    "LOG_LOST",
    `${source}: offset ${position.offset} of ${position.partition}, up to which changes were ` +
      `applied, is not in the log: ${what}; ` +
      "give the whole recording, or start with empty stores; where it holds a new snapshot, " +
      "run tidemark resnapshot SOURCE, or call store.resnapshot",
  );
}

/** A hash that tells a message that comes again from another at its offset. */
function messageHash({ timestamp, keyText: key, valueText: value }: KafkaMessage): number {
  let hash = (timestamp ?? 0) | 0;
  hash = Math.imul(hash ^ (value === null ? -1 : value.length), 0x0100_0193);
  if (key !== null)
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return hash;
}
