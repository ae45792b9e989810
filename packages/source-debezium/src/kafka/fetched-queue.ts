/**
 * Fetched messages that wait to be decoded. They are bounded: who adds asks `full` and stops
 * fetching, until `low`.
 */
import type { Position } from "@tidemark/core/spi";
import type { KafkaMessage } from "kafkajs";
import type { KafkaPartition } from "./kafka-partition.ts";

export interface Fetched {
  readonly partition: KafkaPartition;
  readonly messages: readonly KafkaMessage[];
  /** How many of them were taken out. */
  taken: number;
  /** Behind all of it. */
  readonly position: Position;
}

export const sizeOf = ({ key, value }: KafkaMessage): number =>
  100 + (key?.length ?? 0) + (value?.length ?? 0);

export class FetchedQueue {
  private waiting: Fetched[] = [];
  private readonly most: { readonly messages: number; readonly bytes: number };
  messages = 0;
  bytes = 0;

  constructor(most: { readonly messages: number; readonly bytes: number }) {
    this.most = most;
  }

  add(fetched: Fetched): void {
    this.waiting.push(fetched);
    this.count(fetched, 1);
  }

  /** The oldest; stays in the queue until `shift`. */
  first(): Fetched | undefined {
    return this.waiting[0];
  }

  take(fetched: Fetched): KafkaMessage {
    const message = fetched.messages[fetched.taken++]!;
    this.messages--;
    this.bytes -= sizeOf(message);
    return message;
  }

  shift(): void {
    this.count(this.waiting.shift()!, -1);
  }

  drop(partition: KafkaPartition): void {
    for (const fetched of this.waiting)
      if (fetched.partition === partition) this.count(fetched, -1);
    this.waiting = this.waiting.filter((fetched) => fetched.partition !== partition);
  }

  full(): boolean {
    return this.messages >= this.most.messages || this.bytes >= this.most.bytes;
  }

  low(): boolean {
    return this.messages <= this.most.messages / 2 && this.bytes <= this.most.bytes / 2;
  }

  private count({ messages, taken }: Fetched, sign: 1 | -1): void {
    this.messages += sign * (messages.length - taken);
    for (let i = taken; i < messages.length; i++) this.bytes += sign * sizeOf(messages[i]!);
  }
}
