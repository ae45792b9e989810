/**
 * The fetcher of a run: a consumer of kafkajs that reads from Tidemark's own positions. Each time
 * the group assigns partitions, the fetcher pauses them and checks their logs against the stored
 * positions. Only then the fetcher reads new messages. Fetched messages go into a bounded queue.
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
import { QuietFetches } from "./quiet-fetches.ts";
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
import { messageFingerprint, messageTime } from "../message/kafka-message.ts";

export interface KafkaFetcherOptions {
  /** The source's name in errors: `Kafka topics a, b`. */
  readonly name: string;
  readonly admin: Admin;
  readonly consumer: Consumer;
  readonly topics: readonly string[];
  readonly after: readonly Position[];
  readonly positions: ((partitions: readonly string[]) => Promise<readonly Position[]>) | undefined;
  readonly queue: FetchedQueue;
  /** Whether the log of a partition with no stored position may begin after offset 0. */
  readonly beginningMayBeGone: boolean;
  /** Where a partition with no stored position begins. The default is the log's beginning. */
  readonly beginningOf?: ((partition: KafkaPartition, log: Watermarks) => number) | undefined;
  /** Says by the topic's name whether the topic holds a declared table. */
  readonly holdsDeclaredTable: (topic: string) => boolean;
  readonly onRetry: (error: Error) => void;
  /** Is told where a gained partition goes on; undefined: at its beginning. */
  readonly onPosition?: ((partition: string, position: Position | undefined) => void) | undefined;
  /** Says whether the fetcher reads a partition that the group assigned. */
  readonly wanted: (partition: string) => boolean;
  /** Called after the group assigned partitions. */
  readonly onAssigned: () => void;
}

/**
 * The start of a batch in kafkajs's events. `firstOffset` may be null in a batch without messages.
 */
interface EmptyBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batchSize: number;
  readonly firstOffset: string | null;
  readonly lastOffset: string;
}

/** The broker of a fetch in kafkajs's events. */
interface FetchedNode {
  readonly nodeId: string;
}

/** Fetches the messages of the assigned partitions into the queue. */
export class KafkaFetcher {
  readonly partitions: Map<string, KafkaPartition> = new Map();
  private readonly options: KafkaFetcherOptions;
  private failure: Error | null = null;
  private wake: () => void = () => undefined;
  private paused = false;
  /** How many assignments there were: the group's, and those of `reassign`. */
  private joins = 0;
  /** The last assignment whose logs were verified; 0: none yet. */
  private checkedJoin = 0;
  private closed = false;
  /** The partitions that the group assigned last. */
  private assignment: ReadonlyMap<string, { readonly topic: string; readonly number: number }> =
    new Map();
  private reassigned = false;
  private readonly quiet = new QuietFetches();

  constructor(options: KafkaFetcherOptions) {
    this.options = options;
  }

  /** Connects the consumer and joins the group. */
  async start(): Promise<void> {
    const { consumer, topics, name } = this.options;
    const { GROUP_JOIN, START_BATCH_PROCESS, FETCH_START, FETCH, CRASH } = consumer.events;
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
    consumer.on(FETCH_START, ({ payload: { nodeId } }: InstrumentationEvent<FetchedNode>) => {
      this.quiet.began(nodeId);
    });
    consumer.on(FETCH, ({ payload: { nodeId } }: InstrumentationEvent<FetchedNode>) => {
      this.quiet.ended(nodeId);
      if (this.isQuiet()) this.wake();
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      if (this.closed) return;
      if (restart) this.options.onRetry(kafkaFailure(name, error));
      else this.fail(error);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    // Joining a group may wait for the other members, so `run` is not awaited. Events report the
    // outcome.
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

  /**
   * Resolves when there may be something new: messages or a verified partition.
   *
   * @throws LOG_LOST, TOPIC_RECREATED or a Kafka code when the fetcher has failed.
   */
  async waitForChange(): Promise<void> {
    if (this.failure === null && this.options.queue.first() === undefined)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    if (this.failure !== null) throw this.failure;
  }

  /** Ends a wait in `waitForChange` for a reason outside of the fetcher, such as an abort. */
  wakeUp(): void {
    this.wake();
  }

  /**
   * Says whether the run has caught up. All messages that the partitions held when they were first
   * seen were taken out of the queue, and every log was verified.
   */
  caughtUp(): boolean {
    const assigned = [...this.partitions.values()].filter(({ assigned }) => assigned);
    return (
      this.checkedJoin > 0 &&
      this.checkedJoin === this.joins &&
      this.options.queue.first() === undefined &&
      assigned.every(
        ({ verified, expectedMessage, nextOffset, firstHighWatermark }) =>
          verified &&
          expectedMessage === null &&
          (nextOffset >= firstHighWatermark! || this.isQuiet()),
      )
    );
  }

  /**
   * Says whether the brokers have no message for the assigned partitions. A high watermark cannot
   * say it: offsets at the end of a log may hold no message, and kafkajs does not report them.
   */
  isQuiet(): boolean {
    return !this.paused && this.checkedJoin === this.joins && this.quiet.isQuiet();
  }

  /** Assigns the group's partitions again, after the answer of `wanted` has changed. */
  reassign(): void {
    if (this.closed || this.joins === 0) return;
    this.assign();
    this.reassigned = true;
    this.wake();
  }

  /** Says whether `reassign` was called since the last call of this method. */
  wasReassigned(): boolean {
    const was = this.reassigned;
    this.reassigned = false;
    return was;
  }

  /** Resumes fetching if the queue was full and is now at most half full. */
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
   * Takes over the group's assignment. This method is synchronous, because kafkajs fetches after
   * the first `await`: a message could then come from another offset than ours.
   */
  private assign(): void {
    const now = new Map([...this.assignment].filter(([name]) => this.options.wanted(name)));
    const joined = ++this.joins;
    this.quiet.restart();
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
   * Checks the logs of the assigned partitions and sets their fetch positions. If the group joins
   * anew meanwhile, the next call does what this call could not finish.
   *
   * @throws LOG_LOST when the log lost messages after a stored position.
   * @throws TOPIC_RECREATED when the log is not the one of the stored position.
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
      this.options.onPosition?.(partition.name, partition.fetched);
    }
    for (const partition of this.assigned()) {
      const bounds = watermarks.get(partition.name);
      if (bounds === undefined) throw recreated(name, partition, "it no longer exists");
      const lost = checkLog(name, partition, bounds);
      if (lost !== null && !beginningMayBeGone) {
        if (holdsDeclaredTable(partition.topic)) throw lost;
        partition.beginningLost = lost;
      }
      setFetchPosition(partition, bounds, this.options.beginningOf?.(partition, bounds));
      this.seek(partition);
      partition.verified = true;
    }
    this.checkedJoin = joined;
    if (!this.paused) this.resume();
    this.wake();
  }

  /**
   * Asks the broker for the watermarks of the topics, up to 20 times. Gives null if the group
   * joined anew meanwhile or the run has ended.
   */
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
        // An unavailable broker comes back, or the consumer gives up. A missing topic does not come
        // back.
        if ((error as { type?: string }).type === "UNKNOWN_TOPIC_OR_PARTITION" || attempt === 20)
          throw error;
        await sleep(Math.min(attempt * 250, 2000));
      }
    }
    return null;
  }

  /** Puts the new messages of a fetched batch into the queue. */
  private async takeBatch({ batch, isStale }: EachBatchPayload): Promise<void> {
    const partition = this.partitions.get(`${batch.topic}:${batch.partition}`);
    this.quiet.moved();
    if (partition?.assigned !== true || !this.isReadable(partition) || isStale()) return;
    const { name, queue } = this.options;
    // kafkajs keeps the offset that it asked the broker for, but its types do not declare the
    // field.
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
          `the message at offset ${expectedMessage.offset} is not the message of the stored ` +
            "position",
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
   * Moves over offsets that hold no message: ends of transactions, aborted messages, messages that
   * Kafka's log compaction removed.
   */
  private skipEmptyOffsets({
    topic,
    partition: number,
    firstOffset,
    lastOffset,
  }: EmptyBatch): void {
    const partition = this.partitions.get(`${topic}:${number}`);
    const last = Number(lastOffset);
    this.quiet.moved();
    if (partition === undefined || !this.isReadable(partition) || last < partition.fetchOffset)
      return;
    if (Number(firstOffset ?? lastOffset) <= partition.fetchOffset)
      this.moveOverEmpty(partition, last);
    else void this.skipCompactedOffsets(partition, last);
  }

  /**
   * Handles a batch without messages that begins after our offset. Log compaction removed what was
   * between, or kafkajs jumped over what the log has lost. As for messages, the fetcher first seeks
   * again, and then checks the watermarks.
   */
  private async skipCompactedOffsets(partition: KafkaPartition, last: number): Promise<void> {
    if (partition.retriedOffset !== partition.fetchOffset) {
      partition.retriedOffset = partition.fetchOffset;
      this.seek(partition);
      return;
    }
    if (!(await this.holdsLog(partition)) || last < partition.fetchOffset) return;
    this.moveOverEmpty(partition, last);
    this.seek(partition);
  }

  /** Moves a partition over the offsets up to `last`, which hold no message. */
  private moveOverEmpty(partition: KafkaPartition, last: number): void {
    partition.fetchOffset = last + 1;
    this.markVerified(partition);
    if (last < partition.nextOffset) return;
    partition.nextOffset = last + 1;
    // The position moves too. If the log of an idle partition expires up to here, nothing is lost.
    if (partition.fetched !== undefined) {
      partition.fetched = advancedTo(partition.fetched, last);
      this.options.queue.add({ partition, messages: [], taken: 0, position: partition.fetched });
    }
    this.wake();
  }

  /**
   * Handles an answer of the broker from another offset than ours. kafkajs jumps silently where the
   * log has lost the offset that was asked for. So the first time the fetcher seeks again, and the
   * second time it checks the log's watermarks.
   */
  private async handleOtherOffset(partition: KafkaPartition, from: number): Promise<void> {
    if (partition.retriedOffset !== partition.fetchOffset) {
      partition.retriedOffset = partition.fetchOffset;
      this.seek(partition);
      return;
    }
    if (!(await this.holdsLog(partition))) return;
    // No new message is gone: only the message to compare with, or one that log compaction removed.
    partition.fetchOffset = Math.max(from, partition.nextOffset);
    this.seek(partition);
    this.markVerified(partition);
  }

  /**
   * Checks that the log holds all new messages of the partition, and fails the run otherwise. False
   * if it does not, or the group joined anew meanwhile.
   */
  private async holdsLog(partition: KafkaPartition): Promise<boolean> {
    const joined = this.joins;
    try {
      const bounds = (await this.watermarks([partition.topic], joined))?.get(partition.name);
      if (bounds === undefined || joined !== this.joins) return false;
      checkLog(this.options.name, partition, bounds);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /**
   * Says whether new messages of the partition may be taken. A partition with no stored position
   * cannot detect a recreated topic. It waits until the topic's other partitions are verified.
   */
  private isReadable({ verified, topic, fetched }: KafkaPartition): boolean {
    return (
      verified &&
      (fetched !== undefined ||
        this.ofTopic(topic).every(({ expectedMessage }) => expectedMessage === null))
    );
  }

  /**
   * Marks the partition's log as verified: the expected message was seen, or the log no longer
   * holds it. After the topic's last verification, the partitions with no stored position are read.
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
    this.quiet.moved();
    this.callConsumer((consumer) => {
      consumer.resume(
        partitions
          .filter((partition) => this.isReadable(partition))
          .map(({ topic, partition }) => ({ topic, partitions: [partition] })),
      );
    });
  }

  /**
   * Calls the consumer. Between a crash of the consumer and its restart the call is dropped: the
   * consumer joins the group again, and the assignment repeats the call.
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
  readonly timestamp: number | null;
  readonly keyText: string | null;
} {
  return {
    offset: Number(offset),
    timestamp: messageTime(Number(timestamp)),
    keyText: key === null ? null : key.toString("utf8"),
  };
}
