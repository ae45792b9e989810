export { type Connect, startConnect } from "./connect.ts";
export { type Kafka, startKafka } from "./kafka.ts";
export { type KafkaTopics, startKafkaTopics } from "./kafka-topics.ts";
export { type Pipeline, type PipelineAddresses, type PipelineOptions, startPipeline, type Way } from "./pipeline.ts";
export { startPostgres, type Postgres } from "./postgres.ts";
export type { Service } from "./process.ts";
