/** The options of the change source over Kafka. */
import type { Admin, Consumer, ConsumerConfig, KafkaConfig } from "kafkajs";
import type { OnWarning } from "../message/message-decoder.ts";

/** The methods of a kafkajs client that the change source calls. */
export interface KafkaClient {
  admin(): Admin;
  consumer(config: ConsumerConfig): Consumer;
}

/** How Kafka is read. The decoder says what the messages hold. */
export interface KafkaSourceOptions {
  /** Addresses of the brokers, `host:port`. Omit them if `client` is given. */
  readonly brokers?: readonly string[] | Exclude<KafkaConfig["brokers"], string[]> | undefined;
  readonly ssl?: KafkaConfig["ssl"] | undefined;
  readonly sasl?: KafkaConfig["sasl"] | undefined;
  readonly clientId?: string | undefined;
  /** A kafkajs client, in place of `brokers`, `ssl`, `sasl` and `clientId`. */
  readonly client?: KafkaClient | undefined;
  /** Names of topics, or patterns over the topics that exist when the run starts. */
  readonly topics: string | RegExp | readonly (string | RegExp)[];
  /**
   * The consumer group. Runs of one group divide the partitions, so they must feed the same stores.
   * Without this option a run has a group of its own and reads all partitions.
   */
  readonly groupId?: string | undefined;
  /**
   * When the run ends. `"signal"` ends with the run's signal and is the default. `"caught-up"` ends
   * where the topics ended at the start of the run.
   */
  readonly until?: "signal" | "caught-up" | undefined;
  /**
   * What the log of a partition with no stored position must hold. `"complete"` requires the log
   * from offset 0 on and is the default. `"retained"` takes what retention has left: choose it only
   * if that holds a snapshot of the whole table.
   */
  readonly beginning?: "complete" | "retained" | undefined;
  /** The most messages of a batch; default 5,000. */
  readonly batchMessages?: number | undefined;
  /** A batch ends with the message that reaches so many bytes; default 8 Mi. */
  readonly batchBytes?: number | undefined;
  /** Fetching pauses while so many bytes wait; default 32 Mi. */
  readonly prefetchBytes?: number | undefined;
  /**
   * Fetching pauses while so many messages wait; default 50,000. One answer of each broker may
   * exceed the limits.
   */
  readonly prefetchMessages?: number | undefined;
  /** Further settings of kafkajs's consumer. */
  readonly consumer?:
    | Partial<Omit<ConsumerConfig, "groupId" | "allowAutoTopicCreation">>
    | undefined;
  /**
   * What a run does if no message of a source can be read. `"stop"` ends it with
   * `SOURCE_UNREADABLE` and is the default. `"keep"` goes on, and the history keeps the bytes.
   */
  readonly unreadable?: "stop" | "keep" | undefined;
  /**
   * Called once for each thing that a log loses without an error, and for every retry. The default
   * emits a warning of the process.
   */
  readonly onWarning?: OnWarning | undefined;
}
