/**
 * Makes the S3 client of the store: the user's own, or one that tolerates a slow, busy or briefly
 * unavailable server.
 */
import { S3Client } from "@aws-sdk/client-s3";

/** An access key of S3. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/**
 * The part of an S3 client that the store calls: an `S3Client` of `@aws-sdk/client-s3`, any version
 * 3.
 */
export interface S3Sender {
  send(command: object, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Where the objects lie in S3, and how they are reached. */
export interface S3ObjectsOptions {
  /** The bucket, which must exist. */
  readonly bucket: string;
  /** The prefix of all keys, followed by `/`. Several lakes may share a bucket. Default: none. */
  readonly prefix?: string | undefined;
  /** The server's address, such as `http://127.0.0.1:9000`. Default: AWS. */
  readonly endpoint?: string | undefined;
  /**
   * The bucket's region. Default: `us-east-1` with an endpoint (MinIO's own), else the
   * environment's.
   */
  readonly region?: string | undefined;
  /**
   * The access key. Default: the environment's (`AWS_ACCESS_KEY_ID`, a profile, the role of the
   * machine).
   */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /**
   * Puts the bucket's name into the path of an address, not before the host. Default: true with an
   * endpoint.
   */
  readonly forcePathStyle?: boolean | undefined;
  /**
   * A client with its own retries and timeouts. Endpoint, region, credentials and forcePathStyle
   * are then the client's.
   */
  readonly client?: S3Sender | undefined;
}

/**
 * The attempts of a request. With the SDK's growing pauses they take about three seconds, in which
 * a restarting server is back.
 */
export const MAX_ATTEMPTS = 7;

export type S3 = Pick<S3Client, "send">;

export function s3ClientOf({
  client,
  endpoint,
  region,
  credentials,
  forcePathStyle,
}: S3ObjectsOptions): S3 {
  if (client !== undefined) return client as S3;
  const chosenRegion = region ?? (endpoint === undefined ? undefined : "us-east-1");
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(chosenRegion === undefined ? {} : { region: chosenRegion }),
    ...(credentials === undefined
      ? {}
      : {
          credentials:
            typeof credentials === "function"
              ? async () => credentialsOf(await credentials())
              : credentialsOf(credentials),
        }),
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    maxAttempts: MAX_ATTEMPTS,
    // A server that accepts the connection and never answers must not block a writer for ever.
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      socketTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  });
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
} {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Passes an optional signal in the SDK's form. */
export function abortOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
