export { type Connect, startConnect } from "./connect.ts";
export {
  type Compose,
  composeEnvironment,
  composeFile,
  composePipeline,
  startCompose,
} from "./compose.ts";
export { type Kafka, startKafka } from "./kafka.ts";
export { type KafkaTopics, type OwnKafka, startKafkaTopics } from "./kafka-topics.ts";
export {
  type Pipeline,
  type PipelineAddresses,
  type PipelineOptions,
  startPipeline,
} from "./pipeline.ts";
export {
  monitoringPrograms,
  startAlertmanager,
  startPrometheus,
  type MonitoringPrograms,
  type MonitoringService,
} from "./prometheus.ts";
export { startPostgres, type Postgres } from "./postgres.ts";
export type { Service } from "./service.ts";
export { startTrino, type Trino } from "./trino.ts";
export { type ChosenRuntime, chooseRuntime, type ServiceRuntime } from "./runtime.ts";
