/**
 * The fetching side of a run: a consumer of kafkajs whose place is ours. Every time the group gives
 * out partitions, their logs are checked against what was taken of them before anything new of them
 * is fetched; until then they are paused. What is fetched goes into a bounded queue.
 */
import type { Position } from "@tidemark/core/spi";
import type {
  Admin,
  Consumer,
  ConsumerGroupJoinEvent,
  EachBatchPayload,
  InstrumentationEvent,
} from "kafkajs";
import { setTimeout as sleep } from "node:timers/promises";
import type { FetchedQueue } from "./fetched-queue.ts";
import { kafkaFailure } from "./kafka-failure.ts";
import {
  type KafkaPartition,
  kafkaPartition,
  advancedTo,
  setFetchPosition,
  positionAfter,
  recreated,
  checkLog,
  type Watermarks,
} from "./kafka-partition.ts";
import { messageFingerprint } from "../message/kafka-message.ts";

export interface KafkaFetcherOptions {
  /** For errors: `Kafka topics a, b`. */
  readonly name: string;
  readonly admin: Admin;
  readonly consumer: Consumer;
  readonly topics: readonly string[];
  readonly after: readonly Position[];
  readonly positions: ((partitions: readonly string[]) => Promise<readonly Position[]>) | undefined;
  readonly queue: FetchedQueue;
  /** The log's beginning may be gone where nothing is stored. */
  readonly beginningMayBeGone: boolean;
  /** The topic holds a declared table, as its name says. */
  readonly holdsDeclaredTable: (topic: string) => boolean;
  readonly onRetry: (error: Error) => void;
  /** Which of the partitions that the group gives are read. */
  readonly wanted: (partition: string) => boolean;
  readonly onAssigned: () => void;
}

/** Of a batch's start, as kafkajs tells it: without messages, `firstOffset` may be null. */
interface EmptyBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batchSize: number;
  readonly firstOffset: string | null;
  readonly lastOffset: string;
}

export class KafkaFetcher {
  readonly partitions: Map<string, KafkaPartition> = new Map();
  private readonly options: KafkaFetcherOptions;
  private failure: Error | null = null;
  private wake: () => void = () => undefined;
  private paused = false;
  private joins = 0;
  private checkedJoin = 0;
  private closed = false;
  /** What the group gave last. */
  private assignment: ReadonlyMap<string, { readonly topic: string; readonly number: number }> =
    new Map();
  private reassigned = false;

  constructor(options: KafkaFetcherOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    const { consumer, topics, name } = this.options;
    const { GROUP_JOIN, START_BATCH_PROCESS, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload: { memberAssignment } }: ConsumerGroupJoinEvent) => {
      this.assignment = new Map(
        Object.entries(memberAssignment).flatMap(([topic, numbers]) =>
          numbers.map((number) => [`${topic}:${number}`, { topic, number }] as const),
        ),
      );
      this.assign();
      this.options.onAssigned();
    });
    consumer.on(START_BATCH_PROCESS, ({ payload }: InstrumentationEvent<EmptyBatch>) => {
      if (payload.batchSize === 0) this.skipEmptyOffsets(payload);
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      if (this.closed) return;
      if (restart) this.options.onRetry(kafkaFailure(name, error));
      else this.fail(error);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    // Joining a group may wait for its other members: what comes of it is told by events.
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: 8,
        eachBatch: (payload) => this.takeBatch(payload),
      })
      .catch((error: unknown) => {
        this.fail(error);
      });
  }

  /** Resolves when there may be something new: messages, an error, a partition checked. */
  async waitForChange(): Promise<void> {
    if (this.failure === null && this.options.queue.first() === undefined)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    if (this.failure !== null) throw this.failure;
  }

  /** Of something that is not the fetcher's. */
  wakeUp(): void {
    this.wake();
  }

  /**
   * Everything that lay in the partitions when they were first seen was taken out of the queue, and
   * they are what they were.
   */
  caughtUp(): boolean {
    const assigned = [...this.partitions.values()].filter(({ assigned }) => assigned);
    return (
      this.checkedJoin > 0 &&
      this.checkedJoin === this.joins &&
      this.options.queue.first() === undefined &&
      assigned.every(
        ({ verified, expectedMessage, nextOffset, firstHighWatermark }) =>
          verified && expectedMessage === null && nextOffset >= firstHighWatermark!,
      )
    );
  }

  /** What is wanted of the partitions has changed. */
  reassign(): void {
    if (this.closed || this.joins === 0) return;
    this.assign();
    this.reassigned = true;
    this.wake();
  }

  /** Since it was asked last. */
  wasReassigned(): boolean {
    const was = this.reassigned;
    this.reassigned = false;
    return was;
  }

  /** Fetches again where the queue was full and has room. */
  resumeIfHalfEmpty(): void {
    if (!this.paused || !this.options.queue.isHalfEmpty()) return;
    this.paused = false;
    this.resume();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.options.consumer.disconnect().catch(() => undefined);
  }

  isClosed(): boolean {
    return this.closed;
  }

  /**
   * Everything here happens before kafkajs fetches: an `await`, and a message could come from
   * another place.
   */
  private assign(): void {
    const now = new Map([...this.assignment].filter(([name]) => this.options.wanted(name)));
    const joined = ++this.joins;
    for (const partition of this.partitions.values()) {
      partition.verified = false;
      if (now.has(partition.name)) continue;
      partition.assigned = false;
      partition.positionKnown = false;
      this.options.queue.removePartition(partition);
    }
    for (const [name, { topic, number }] of now) {
      let partition = this.partitions.get(name);
      if (partition === undefined) {
        partition = kafkaPartition(topic, number);
        this.partitions.set(name, partition);
      }
      partition.assigned = true;
      this.seek(partition);
    }
    this.pauseAll();
    this.verifyLogs(joined).catch((error: unknown) => {
      this.fail(error);
    });
  }

  /**
   * The group may join anew meanwhile: then the next check asks for what this one did not come to
   * place.
   */
  private async verifyLogs(joined: number): Promise<void> {
    const { name, after, positions, topics, beginningMayBeGone, holdsDeclaredTable } = this.options;
    const gained = this.assigned().filter(({ positionKnown }) => !positionKnown);
    const names = gained.map((partition) => partition.name);
    const stored = new Map(
      (positions === undefined || gained.length === 0 ? after : await positions(names)).map(
        (position) => [position.partition, position],
      ),
    );
    const watermarks = await this.watermarks(topics, joined);
    if (watermarks === null) return;
    for (const partition of gained) {
      partition.fetched = stored.get(partition.name);
      partition.delivered = partition.fetched;
      partition.positionKnown = true;
      partition.relevant ||= partition.fetched !== undefined;
    }
    for (const partition of this.assigned()) {
      const bounds = watermarks.get(partition.name);
      if (bounds === undefined) throw recreated(name, partition, "it is no longer there");
      const lost = checkLog(name, partition, bounds);
      if (lost !== null && !beginningMayBeGone) {
        if (holdsDeclaredTable(partition.topic)) throw lost;
        partition.beginningLost = lost;
      }
      setFetchPosition(partition, bounds);
      this.seek(partition);
      partition.verified = true;
    }
    this.checkedJoin = joined;
    if (!this.paused) this.resume();
    this.wake();
  }

  /** Null: the group has joined anew meanwhile, or the run has ended. */
  private async watermarks(
    topics: readonly string[],
    joined: number,
  ): Promise<ReadonlyMap<string, Watermarks> | null> {
    for (let attempt = 1; joined === this.joins && !this.closed; attempt++) {
      try {
        const found = new Map<string, Watermarks>();
        for (const topic of topics) {
          for (const { partition, low, high } of await this.options.admin.fetchTopicOffsets(topic))
            found.set(`${topic}:${partition}`, { low: Number(low), high: Number(high) });
        }
        return joined === this.joins && !this.closed ? found : null;
      } catch (error) {
        // A broker that is away comes back, or the consumer gives up by itself; a topic that is
        // away does not.
        if ((error as { type?: string }).type === "UNKNOWN_TOPIC_OR_PARTITION" || attempt === 20)
          throw error;
        await sleep(Math.min(attempt * 250, 2000));
      }
    }
    return null;
  }

  private async takeBatch({ batch, isStale }: EachBatchPayload): Promise<void> {
    const partition = this.partitions.get(`${batch.topic}:${batch.partition}`);
    if (partition?.assigned !== true || !this.isReadable(partition) || isStale()) return;
    const { name, queue } = this.options;
    // kafkajs keeps what it asked the broker for, and does not declare it.
    const from = Number(
      (batch as unknown as { readonly fetchedOffset?: string }).fetchedOffset ??
        partition.fetchOffset,
    );
    if (from !== partition.fetchOffset) return this.handleOtherOffset(partition, from);
    partition.retriedOffset = -1;
    const { expectedMessage } = partition;
    const first = batch.messages[0]!;
    if (
      expectedMessage !== null &&
      Number(first.offset) === expectedMessage.offset &&
      messageFingerprint(messageHead(first)) !== expectedMessage.fingerprint
    ) {
      return this.fail(
        recreated(
          name,
          partition,
          `the message at offset ${expectedMessage.offset} is not the one the stored position was ` +
            "taken from",
        ),
      );
    }
    this.markVerified(partition);
    partition.highWatermark = Number(batch.highWatermark);
    const messages = batch.messages.filter(({ offset }) => Number(offset) >= partition.nextOffset);
    const through = Number(batch.lastOffset());
    partition.fetchOffset = through + 1;
    if (messages.length === 0) return;
    partition.fetched = positionAfter(partition.name, messageHead(messages.at(-1)!), through);
    partition.nextOffset = through + 1;
    queue.add({ partition, messages, taken: 0, position: partition.fetched });
    if (queue.isFull() && !this.paused) {
      this.paused = true;
      this.pauseAll();
    }
    this.wake();
  }

  /**
   * kafkajs went over offsets that hold no message: ends of transactions, what was aborted, what
   * compaction took.
   */
  private skipEmptyOffsets({
    topic,
    partition: number,
    firstOffset,
    lastOffset,
  }: EmptyBatch): void {
    const partition = this.partitions.get(`${topic}:${number}`);
    const last = Number(lastOffset);
    if (
      partition === undefined ||
      !this.isReadable(partition) ||
      Number(firstOffset ?? lastOffset) > partition.fetchOffset ||
      last < partition.fetchOffset
    )
      return;
    partition.fetchOffset = last + 1;
    this.markVerified(partition);
    if (last < partition.nextOffset) return;
    partition.nextOffset = last + 1;
    // The position moves too: an idle partition whose log has expired up to here has lost nothing.
    if (partition.fetched !== undefined) {
      partition.fetched = advancedTo(partition.fetched, last);
      this.options.queue.add({ partition, messages: [], taken: 0, position: partition.fetched });
    }
    this.wake();
  }

  /**
   * The broker answered from another offset than ours: kafkajs jumps silently where a log has lost
   * what it asked for. Asked once more, it has to say so.
   */
  private async handleOtherOffset(partition: KafkaPartition, from: number): Promise<void> {
    if (partition.retriedOffset !== partition.fetchOffset) {
      partition.retriedOffset = partition.fetchOffset;
      this.seek(partition);
      return;
    }
    const joined = this.joins;
    try {
      const bounds = (await this.watermarks([partition.topic], joined))?.get(partition.name);
      if (bounds === undefined || joined !== this.joins) return;
      checkLog(this.options.name, partition, bounds);
    } catch (error) {
      this.fail(error);
      return;
    }
    // Nothing new is gone: only what we asked for to compare it, or what compaction took.
    partition.fetchOffset = Math.max(from, partition.nextOffset);
    this.seek(partition);
    this.markVerified(partition);
  }

  /**
   * One of which nothing is stored cannot tell by itself that its topic was made anew: it waits
   * until those that have something were seen to be what they were.
   */
  private isReadable({ verified, topic, fetched }: KafkaPartition): boolean {
    return (
      verified &&
      (fetched !== undefined ||
        this.ofTopic(topic).every(({ expectedMessage }) => expectedMessage === null))
    );
  }

  /**
   * Its log is what it was, or no longer holds what would tell. With the last of its topic, those
   * that wait are read.
   */
  private markVerified(partition: KafkaPartition): void {
    if (partition.expectedMessage === null) return;
    partition.expectedMessage = null;
    this.wake();
    const topic = this.ofTopic(partition.topic);
    if (topic.some(({ expectedMessage }) => expectedMessage !== null)) return;
    for (const other of topic) if (other.fetched === undefined) this.seek(other);
    if (!this.paused) this.resume(topic);
  }

  private assigned(): KafkaPartition[] {
    return [...this.partitions.values()].filter(({ assigned }) => assigned);
  }

  private ofTopic(topic: string): KafkaPartition[] {
    return this.assigned().filter((partition) => partition.topic === topic);
  }

  private seek({ topic, partition, fetchOffset }: KafkaPartition): void {
    this.callConsumer((consumer) => {
      consumer.seek({ topic, partition, offset: String(fetchOffset) });
    });
  }

  private pauseAll(): void {
    this.callConsumer((consumer) => {
      consumer.pause(
        [...this.assignment.values()].map(({ topic, number }) => ({ topic, partitions: [number] })),
      );
    });
  }

  private resume(partitions = this.assigned()): void {
    this.callConsumer((consumer) => {
      consumer.resume(
        partitions
          .filter((partition) => this.isReadable(partition))
          .map(({ topic, partition }) => ({ topic, partitions: [partition] })),
      );
    });
  }

  /**
   * Between a crash of the consumer and its restart there is nobody to tell; it joins again, and is
   * told then.
   */
  private callConsumer(what: (consumer: Consumer) => void): void {
    try {
      what(this.options.consumer);
    } catch (error) {
      if (!/consumer#run must be called first/.test((error as Error).message)) this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.closed) return;
    this.failure ??= kafkaFailure(this.options.name, error);
    this.wake();
  }
}

function messageHead({ offset, timestamp, key }: EachBatchPayload["batch"]["messages"][number]): {
  readonly offset: number;
  readonly timestamp: number;
  readonly keyText: string | null;
} {
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    keyText: key === null ? null : key.toString("utf8"),
  };
}
