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
export type { TimeUnit } from "./debezium/column-reader.ts";
export { debeziumDecoder, type DebeziumOptions } from "./debezium/debezium-decoder.ts";
export type {
  KafkaChanges,
  KafkaClient,
  KafkaSourceOptions,
  PartitionLag,
} from "./kafka/kafka-source.ts";
export {
  kafkaMessage,
  type KafkaMessage,
  type KafkaMessageParts,
} from "./message/kafka-message.ts";
export type { MessageDecoder, OnWarning, RunningDecoder } from "./message/message-decoder.ts";
export { rowChange, type RowChangeInput } from "./message/row-change.ts";
export type { RecordedMessage } from "./recorded/recorded-line.ts";
export type { RecordedSourceOptions, RecordedTopic } from "./recorded/recorded-topic.ts";
