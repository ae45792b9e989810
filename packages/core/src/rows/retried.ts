/**
 * Names the partitions of retried messages. A retry writes its changes under partitions of its own,
 * because the positions of the log have moved past the messages.
 */

const RETRIED_TOPIC = /^retry-(\d+)\/(.*)$/s;

/**
 * A retried change comes after its undecodable self, which has the same log order. Offsets of a log
 * are lower.
 */
const OFFSET_OF_RETRIED: number = 2 ** 52;

/** The number, marked as an offset of a retried message if the change is one. */
export function offsetLike({ offset }: Pick<RowChangeId, "offset">, number: number): number {
  return offset >= OFFSET_OF_RETRIED ? OFFSET_OF_RETRIED + number : number;
}

/** What identifies a change among the changes of its row. */
interface RowChangeId {
  readonly offset: number;
  readonly undecodable: string | null;
}

/** Whether the change is a retried message. */
export function isRetriedChange({ offset }: RowChangeId): boolean {
  return offset >= OFFSET_OF_RETRIED;
}

/**
 * Removes the undecodable changes of a row whose messages were retried. Such a change may have
 * inherited an order that is higher than that of its message.
 */
export function withoutRetried<C extends RowChangeId>(changes: readonly C[]): readonly C[] {
  const retried = new Set(
    changes.filter(isRetriedChange).map(({ offset }) => offset - OFFSET_OF_RETRIED),
  );
  return retried.size === 0
    ? changes
    : changes.filter(({ undecodable, offset }) => undecodable === null || !retried.has(offset));
}

/** Whether a partition, `topic:partition`, holds retried messages. */
export function isRetried(partition: string): boolean {
  return RETRIED_TOPIC.test(partition);
}

/** The place of a message in its log. */
export interface MessagePlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The place of a message in its n-th retry, from 1. */
export function retriedPlace({ topic, partition, offset }: MessagePlace, n: number): MessagePlace {
  return { topic: `retry-${n}/${topic}`, partition, offset: OFFSET_OF_RETRIED + offset };
}

/** The place in the log of a retried message, and the number of the retry; null: it is no retry. */
export function originalPlace({
  topic,
  partition,
  offset,
}: MessagePlace): (MessagePlace & { readonly retry: number }) | null {
  const match = RETRIED_TOPIC.exec(topic);
  return match === null
    ? null
    : { topic: match[2]!, partition, offset: offset - OFFSET_OF_RETRIED, retry: Number(match[1]) };
}

/** The topic of a message, whether or not it was retried. */
export function originalTopic(topic: string): string {
  return RETRIED_TOPIC.exec(topic)?.[2] ?? topic;
}
