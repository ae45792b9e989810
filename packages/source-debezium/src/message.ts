/** One message of a topic, as it is on the wire. */
export interface LogMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time in ms. */
  readonly timestamp: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/** `topic:partition`, as positions name it. */
export const partitionName = (message: LogMessage): string => `${message.topic}:${message.partition}`;
