export type { ConnectOptions } from "./connect-client.ts";
export {
  connectorConfig,
  type ConnectorDatabase,
  type ConnectorSettings,
} from "./connector-config.ts";
export {
  connectorStatus,
  deleteConnector,
  registerConnector,
  restartConnector,
  type ConnectorStatus,
  type RegisterConnectorOptions,
  type TaskStatus,
} from "./connector.ts";
export { debeziumDecoder, type DebeziumDecoder, type DecoderOptions } from "./debezium-decoder.ts";
export {
  kafkaChanges,
  type KafkaChanges,
  type KafkaChangesOptions,
  type KafkaClient,
  type PartitionLag,
} from "./kafka-changes.ts";
export type { LogMessage } from "./message.ts";
export { recordedTopic, type RecordedTopic, type RecordedTopicOptions } from "./recorded-topic.ts";
