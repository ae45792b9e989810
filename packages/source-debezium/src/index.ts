export { debeziumDecoder, type DebeziumDecoder, type DecoderOptions } from "./debezium-decoder.ts";
export type { LogMessage } from "./message.ts";
export { recordedTopic, type RecordedTopic, type RecordedTopicOptions } from "./recorded-topic.ts";
