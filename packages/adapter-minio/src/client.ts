/**
 * The client of S3 that the store asks: the user's, or one made for a server that may be slow, busy
 * or away for a moment.
 */
import { S3Client } from "@aws-sdk/client-s3";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** What is called of a client: an `S3Client` of `@aws-sdk/client-s3`, of whatever version 3. */
export interface S3Sender {
  send(command: object, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

export interface S3ObjectsOptions {
  /** The bucket; it must be there. */
  readonly bucket: string;
  /** Keys begin with this and a `/`; several lakes may share a bucket. Default: none. */
  readonly prefix?: string | undefined;
  /** Where the server listens, such as `http://127.0.0.1:9000`. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** Default: `us-east-1` with an endpoint (MinIO's own), else what the environment says. */
  readonly region?: string | undefined;
  /**
   * Default: what the environment says (`AWS_ACCESS_KEY_ID`, a profile, the role of the machine).
   */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /**
   * Whether the bucket stands in the path of an address, not before its host. Default: true with an
   * endpoint.
   */
  readonly forcePathStyle?: boolean | undefined;
  /**
   * A client of your own, with your retries and timeouts; endpoint, region, credentials and
   * forcePathStyle are then its.
   */
  readonly client?: S3Sender | undefined;
}

/**
 * With the SDK's growing pauses about three seconds: a server that starts again is back by then.
 */
export const ATTEMPTS = 7;

export type S3 = Pick<S3Client, "send">;

export function clientOf({
  client,
  endpoint,
  region,
  credentials,
  forcePathStyle,
}: S3ObjectsOptions): S3 {
  if (client !== undefined) return client as S3;
  const place = region ?? (endpoint === undefined ? undefined : "us-east-1");
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(place === undefined ? {} : { region: place }),
    ...(credentials === undefined
      ? {}
      : {
          credentials:
            typeof credentials === "function"
              ? async () => identity(await credentials())
              : identity(credentials),
        }),
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    maxAttempts: ATTEMPTS,
    // A server that takes the connection and then says nothing must not hold a writer for ever.
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      socketTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
  });
}

function identity({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
} {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** An optional signal as the SDK takes it. */
export function until(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
