/** The change source over recorded topics: files of JSON lines. */
import { access } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource, LogEnd, Position } from "@tidemark/core/spi";
import { countLines, fileNotFound, type LineChunk, lineChunks } from "./lines.ts";
import {
  messageFingerprint,
  type KafkaMessage,
  partitionName,
  topicOfPartition,
} from "../message/kafka-message.ts";
import {
  decodeKept,
  decodeMessage,
  resumeAfter,
  SkippedCounts,
  withDecoderState,
} from "../message/decode-message.ts";
import type { MessageDecoder, OnWarning, SkippedMessage } from "../message/message-decoder.ts";
import { sourceOfTopic } from "../message/source-of-topic.ts";
import { processWarning } from "../message/process-warning.ts";
import { isEmptyLine } from "./other-lines.ts";
import { recordedMessage } from "./recorded-line.ts";

/** How a recording is read. The decoder says what the messages hold. */
export interface RecordedSourceOptions {
  /** The most changes of a batch; default 5,000. */
  readonly batchChanges?: number | undefined;
  /** A batch ends with the line that reaches so many characters; default 8 Mi. */
  readonly batchSize?: number | undefined;
  /**
   * What a run does if no message of a source can be read. `"stop"` ends it with
   * `SOURCE_UNREADABLE` and is the default. `"keep"` goes on, and the history keeps the bytes.
   */
  readonly unreadable?: "stop" | "keep" | undefined;
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

const ALREADY_READ: SkippedMessage = {
  skipped: "ALREADY_READ",
  message:
    "the recording has this message twice, and it was taken once; nothing is lost. Give each " +
    "file once",
};

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
    unreadable: options.unreadable,
    get skipped() {
      return skipped;
    },

    async *changes({ sources, after, signal }): AsyncGenerator<ChangeBatch> {
      const { onWarning = processWarning } = options;
      const running = decoder.start({ sources, onWarning });
      resumeAfter(running, after);
      const skippedNow = new Map<string, number>();
      const skippedCounts = new SkippedCounts();
      skipped = skippedNow;
      const positions = new Map(after.map((position) => [position.partition, position]));
      const partitions = new Map<string, RecordedPartition>();
      let changes: Change[] = [];
      let size = 0;
      const batch = (): ChangeBatch => {
        const moved = [...partitions.values()].filter(
          (partition) => partition.relevant && partition.moved,
        );
        const result: ChangeBatch = {
          changes,
          skipped: skippedCounts.take(),
          positions: moved.map(({ name, last }) => {
            const { offset } = last!;
            const message = { offset, fingerprint: messageFingerprint(last!) };
            return withDecoderState(running, { partition: name, offset, checkpoint: { message } });
          }),
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
          const when = recordMessage(partition, message, name, location);
          if (when === "before") continue;
          const change = when === "again" ? ALREADY_READ : decodeMessage(running, message);
          if ("skipped" in change) {
            if (when === "new")
              skippedNow.set(message.topic, (skippedNow.get(message.topic) ?? 0) + 1);
            skippedCounts.add(message, change);
          } else {
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
      if (rest.changes.length > 0 || rest.positions.length > 0 || rest.skipped !== undefined)
        yield rest;
    },

    decodeKept: (messages, { sources }) => decodeKept(decoder, messages, sources),

    async ends({ sources, signal }) {
      await checkFilesExist(files);
      const ends = new Map<string, LogEnd>();
      for await (const chunk of recordedChunks(files, signal))
        for (const { message } of chunk) {
          const partition = partitionName(message);
          const known = ends.get(partition);
          const source = known?.source ?? sourceOfTopic(decoder, message.topic, sources);
          const end = Math.max(known?.end ?? 0, message.offset + 1);
          ends.set(partition, { partition, end, source });
        }
      return [...ends.values()];
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
      before += chunk.lines.length;
    }
  }
}

function* recordedLines(
  { lines, ended }: LineChunk,
  file: string,
  before: number,
): Generator<RecordedLine> {
  for (const [i, text] of lines.entries()) {
    if (typeof text === "string" && isEmptyLine(text)) continue;
    const location = `${file}:${before + i + 1}`;
    yield { message: recordedMessage({ text, location, ended }), location, length: text.length };
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
      recordMessage(partition, message, name, location);
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
 * Records the message in its partition's state. Gives "new" if the stores do not hold its effect;
 * "again" if this run has given it; "before" if it is at or before the stored position.
 *
 * @throws TOPIC_LINE_INVALID when the offset does not ascend and the message was not read before.
 * @throws TOPIC_RECREATED when the message at the stored position is another one.
 * @throws LOG_LOST when messages after the stored position are missing.
 */
function recordMessage(
  partition: RecordedPartition,
  message: KafkaMessage,
  source: string,
  location: string,
): "new" | "again" | "before" {
  const { after, last, seen } = partition;
  const { offset } = message;
  const hash = messageHash(message);
  if (last !== null && offset <= last.offset) {
    if (seen.has(offset, hash))
      return after !== undefined && offset <= after.offset ? "before" : "again";
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
    if (offset < after.offset) return "before";
    const stored = after.checkpoint?.message;
    if (stored?.offset === offset && stored.fingerprint !== messageFingerprint(message)) {
      throw new TidemarkError(
        "TOPIC_RECREATED",
        `${source}: the message at offset ${offset} of ${partition.name} is not the message of ` +
          "the stored position. " +
          "The topic was created anew, or this is another recording: give the recording that " +
          "was read before, or read this one into new stores. If this recording holds a new " +
          "snapshot, run tidemark resnapshot SOURCE, or call store.resnapshot",
      );
    }
    partition.afterReached = true;
    return "before";
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
  return "new";
}

function logLost(source: string, position: Position, what: string): TidemarkError {
  return new TidemarkError(
    "LOG_LOST",
    `${source}: offset ${position.offset} of ${position.partition}, up to which changes were ` +
      `applied, is not in the log: ${what}. ` +
      "Give the whole recording, or read it into new stores. If the recording holds a new " +
      "snapshot, run tidemark resnapshot SOURCE, or call store.resnapshot",
  );
}

/** Hashes a message, to tell a repeated message from another message at its offset. */
function messageHash(message: KafkaMessage): number {
  const time = message.timestamp ?? -1;
  const seed = Math.imul(time | 0, 31) ^ Math.trunc(time / 2 ** 32);
  const withKey = textHash(message.keyText, () => message.key, seed);
  return textHash(message.valueText, () => message.value, Math.imul(withKey, 0x0100_0193));
}

/** The hash of the bytes of a text. Bytes that are not UTF-8 have the replacement character. */
function textHash(text: string | null, bytes: () => Uint8Array | null, seed: number): number {
  if (text === null) return Math.imul(seed ^ 0x5555, 0x0100_0193);
  return crc32(text.includes("\uFFFD") ? bytes()! : text, seed >>> 0) | 0;
}
