/**
 * Fetched messages that wait to be decoded. They are bounded: who adds asks `isFull` and stops
 * fetching, until `isHalfEmpty`.
 */
import type { Position } from "@tidemark/core/spi";
import type { KafkaMessage } from "kafkajs";
import type { KafkaPartition } from "./kafka-partition.ts";

export interface FetchedBatch {
  readonly partition: KafkaPartition;
  readonly messages: readonly KafkaMessage[];
  /** How many of them were taken out. */
  taken: number;
  /** Behind all of it. */
  readonly position: Position;
}

export const messageBytes = ({ key, value }: KafkaMessage): number =>
  100 + (key?.length ?? 0) + (value?.length ?? 0);

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

  /** The oldest; stays in the queue until `removeFirst`. */
  first(): FetchedBatch | undefined {
    return this.waiting[0];
  }

  takeMessage(fetched: FetchedBatch): KafkaMessage {
    const message = fetched.messages[fetched.taken++]!;
    this.messages--;
    this.bytes -= messageBytes(message);
    return message;
  }

  removeFirst(): void {
    this.addToTotals(this.waiting.shift()!, -1);
  }

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
