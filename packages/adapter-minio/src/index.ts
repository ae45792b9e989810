export { s3Objects } from "./s3-objects.ts";
export type { S3Credentials, S3ObjectsOptions, S3Sender } from "./client.ts";
