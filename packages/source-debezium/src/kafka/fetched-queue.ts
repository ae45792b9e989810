/**
 * The queue of fetched messages that wait to be decoded. The queue is bounded: the fetcher pauses
 * when `isFull` and resumes when `isHalfEmpty`.
 */
import type { Position } from "@tidemark/core/spi";
import type { KafkaMessage } from "kafkajs";
import type { KafkaPartition } from "./kafka-partition.ts";

/** Messages of one partition from one answer of the broker. */
export interface FetchedBatch {
  readonly partition: KafkaPartition;
  readonly messages: readonly KafkaMessage[];
  /** How many of the messages were taken out. */
  taken: number;
  /** The position after all messages of the batch. */
  readonly position: Position;
}

/** Counts the bytes that a message holds in memory: its key, its value and 100 for the rest. */
export const messageBytes = ({ key, value }: KafkaMessage): number =>
  100 + (key?.length ?? 0) + (value?.length ?? 0);

/** A bounded queue of fetched batches, in the order of arrival. */
export class FetchedQueue {
  private waiting: FetchedBatch[] = [];
  private readonly limits: { readonly messages: number; readonly bytes: number };
  messages = 0;
  bytes = 0;

  constructor(limits: { readonly messages: number; readonly bytes: number }) {
    this.limits = limits;
  }

  add(fetched: FetchedBatch): void {
    this.waiting.push(fetched);
    this.addToTotals(fetched, 1);
  }

  /** Gives the oldest batch. The batch stays in the queue until `removeFirst`. */
  first(): FetchedBatch | undefined {
    return this.waiting[0];
  }

  /** Takes the next message out of a batch of the queue. */
  takeMessage(fetched: FetchedBatch): KafkaMessage {
    const message = fetched.messages[fetched.taken++]!;
    this.messages--;
    this.bytes -= messageBytes(message);
    return message;
  }

  removeFirst(): void {
    this.addToTotals(this.waiting.shift()!, -1);
  }

  /** Removes every batch of the partition. */
  removePartition(partition: KafkaPartition): void {
    for (const fetched of this.waiting)
      if (fetched.partition === partition) this.addToTotals(fetched, -1);
    this.waiting = this.waiting.filter((fetched) => fetched.partition !== partition);
  }

  isFull(): boolean {
    return this.messages >= this.limits.messages || this.bytes >= this.limits.bytes;
  }

  isHalfEmpty(): boolean {
    return this.messages <= this.limits.messages / 2 && this.bytes <= this.limits.bytes / 2;
  }

  private addToTotals({ messages, taken }: FetchedBatch, sign: 1 | -1): void {
    this.messages += sign * (messages.length - taken);
    for (let i = taken; i < messages.length; i++) this.bytes += sign * messageBytes(messages[i]!);
  }
}
