export {
  kafkaChanges,
  type KafkaChangesOptions,
  recordedTopic,
  type RecordedTopicOptions,
} from "./change-sources.ts";
export type { ConnectOptions } from "./connector/connect-client.ts";
export {
  connectorConfig,
  type ConnectorDatabase,
  type ConnectorSettings,
} from "./connector/connector-config.ts";
export {
  connectorStatus,
  deleteConnector,
  registerConnector,
  restartConnector,
  type ConnectorStatus,
  type RegisterConnectorOptions,
  type TaskStatus,
} from "./connector/connector.ts";
export { debeziumDecoder } from "./debezium/debezium-decoder.ts";
export type { DebeziumOptions } from "./debezium/debezium-options.ts";
export type { TimeUnit } from "@tidemark/core/internal";
export type { KafkaClient, KafkaSourceOptions } from "./kafka/kafka-options.ts";
export type { KafkaChanges, PartitionLag } from "./kafka/kafka-source.ts";
export type { ReadMessagesOptions } from "./kafka/read-messages.ts";
export {
  kafkaMessage,
  type HeaderBytes,
  type KafkaMessage,
  type KafkaMessageParts,
} from "./message/kafka-message.ts";
export type {
  MessageDecoder,
  OnWarning,
  RunningDecoder,
  SkippedMessage,
} from "./message/message-decoder.ts";
export { rowChange, type RowChangeInput } from "./message/row-change.ts";
export { recordedLine, type RecordedMessage } from "./recorded/recorded-line.ts";
export type { RecordedSourceOptions, RecordedTopic } from "./recorded/recorded-topic.ts";
