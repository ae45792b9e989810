/** The change source over recorded topics: files of JSON lines. */
import { access } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource, Position } from "@tidemark/core/spi";
import { countLines, fileNotFound, lineChunks } from "./lines.ts";
import { messageFingerprint, type KafkaMessage, partitionName } from "../message/kafka-message.ts";
import type { MessageDecoder, OnWarning } from "../message/message-decoder.ts";
import { processWarning } from "../message/process-warning.ts";
import { recordedMessage } from "./recorded-line.ts";

/** How a recording is read. The decoder says what the messages hold. */
export interface RecordedSourceOptions {
  /** The most changes of a batch; default 5,000. */
  readonly batchChanges?: number | undefined;
  /** A batch ends with the line that reaches so many characters; default 8 Mi. */
  readonly batchSize?: number | undefined;
  /**
   * Called once for each thing that a log loses without an error. The default emits a warning of
   * the process.
   */
  readonly onWarning?: OnWarning | undefined;
}

/** The change source of `recordedTopic`. */
export interface RecordedTopic extends ChangeSource {
  /** Counts the messages of the last run that are of no declared source, by topic. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** How many offsets back a repeated message is recognized as the same. */
const RECENT_OFFSETS = 65_536;

/** The state of one partition during a run. */
interface RecordedPartition {
  readonly name: string;
  /** The stored position; undefined: nothing is stored. */
  readonly after: Position | undefined;
  /** Whether the message at `after` was read, so that the following messages are new. */
  afterReached: boolean;
  /** The last message read. */
  last: KafkaMessage | null;
  /** Whether the partition holds a message of a declared source. */
  relevant: boolean;
  /** Whether the position moved since the last batch. */
  moved: boolean;
  readonly seen: RecentMessages;
}

/** The hashes of the last offsets. Offset n lies at index n modulo `RECENT_OFFSETS`. */
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
 * Gives the messages of the files, a chunk at a time. A line is parsed when it is reached, so the
 * messages before an invalid line are given.
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
 * Checks that the recording goes on from every stored position (law 5: messages that the log has
 * lost are a named error). The check reads the files before the run gives any change: another
 * recording may begin with a partition that has no stored position. The check ends when every
 * position was reached.
 *
 * @throws LOG_LOST when the recording lacks messages after a position.
 * @throws TOPIC_RECREATED when the message at a position is another one.
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
  // A recording may be of other topics. If it holds a topic, it must reach all positions of the
  // topic.
  const topics = new Set([...partitions.keys()].map(topicOfPartition));
  for (const partition of unreached) {
    if (topics.size > 0 && !topics.has(topicOfPartition(partition))) continue;
    throw logLost(
      name,
      positions.get(partition)!,
      partitions.has(partition)
        ? "the recording ends before it"
        : "the recording has no message of that partition",
    );
  }
}

function topicOfPartition(partition: string): string {
  return partition.slice(0, partition.lastIndexOf(":"));
}

async function checkFilesExist(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await access(file).catch((cause: unknown) => {
      throw fileNotFound(file, cause);
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

/**
 * Records the message in its partition's state. Gives true if the stores do not hold its effect.
 *
 * @throws TOPIC_LINE_INVALID when the offset does not ascend and the message was not read before.
 * @throws TOPIC_RECREATED when the message at the stored position is another one.
 * @throws LOG_LOST when messages after the stored position are missing.
 */
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
        "is not a message that was read before. " +
        "Offsets must ascend within a partition, over all files: give the files in order, and " +
        "read each recording of a topic into its own store",
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
        `${source}: the message at offset ${offset} of ${partition.name} is not the message of ` +
          "the stored position. " +
          "The topic was created anew, or this is another recording: give the recording that " +
          "was read before, or start with empty stores. If this recording holds a new snapshot, " +
          "run tidemark resnapshot SOURCE, or call store.resnapshot",
      );
    }
    partition.afterReached = true;
    return false;
  }
  // A recording that begins right after the position has lost nothing.
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
      `applied, is not in the log: ${what}. ` +
      "Give the whole recording, or start with empty stores. If the recording holds a new " +
      "snapshot, run tidemark resnapshot SOURCE, or call store.resnapshot",
  );
}

/** Hashes a message, to tell a repeated message from another message at its offset. */
function messageHash({ timestamp, keyText: key, valueText: value }: KafkaMessage): number {
  let hash = (timestamp ?? 0) | 0;
  hash = Math.imul(hash ^ (value === null ? -1 : value.length), 0x0100_0193);
  if (key !== null)
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return hash;
}
