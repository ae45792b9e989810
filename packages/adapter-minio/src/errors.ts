/**
 * Turns failures of the server, the SDK and the network into Tidemark's errors: who, what, and the
 * next step.
 */
import { isTidemarkError, TidemarkError, type ErrorCode } from "@tidemark/core";

interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly $metadata?:
    | { readonly httpStatusCode?: number | undefined; readonly attempts?: number | undefined }
    | undefined;
}

const CREDENTIALS_HINT =
  "check the access key and its secret, and that its policy allows s3:GetObject, " +
  "s3:PutObject, s3:DeleteObject and s3:ListBucket here";

/** The codes of conditions that may pass without a change here. A run retries after them. */
const RETRYABLE_CODES: readonly string[] = ["OBJECTS_FULL", "OBJECTS_UNREACHABLE"];

/** The known failures by the server's or the SDK's name for them. The first match counts. */
const KNOWN_FAILURES: readonly (readonly [names: RegExp, code: ErrorCode, message: string])[] = [
  [
    /^NoSuchBucket$/,
    "OBJECTS_BUCKET_MISSING",
    "there is no such bucket; correct its name, or make it (`mc mb`, `aws s3 mb`) for a new lake",
  ],
  [
    /^RequestTimeTooSkewed$/,
    "OBJECTS_DENIED",
    "the clocks of this machine and of the server differ too much; set them right",
  ],
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    "OBJECTS_DENIED",
    "no credentials were found; " +
      "give `credentials`, or set the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  ],
  // prettier-ignore
  [
    /^(AccessDenied|AllAccessDisabled|AccountProblem|ExpiredToken|Forbidden|InvalidAccessKeyId|InvalidToken|SignatureDoesNotMatch|403|401)$/,
    "OBJECTS_DENIED",
    `the server refused this user; ${CREDENTIALS_HINT}`,
  ],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301)$/,
    "OBJECTS_WRONG_REGION",
    "the bucket is in another region; give its `region`",
  ],
  // prettier-ignore
  [
    /^(KeyTooLongError|InvalidObjectName|XMinioInvalidObjectName|XMinioParentIsObject|XMinioObjectExistsAsDirectory)$/,
    "OBJECTS_BAD_KEY",
    "the server takes no object of this name; give another prefix",
  ],
  [
    /^(XMinioStorageFull|XMinioAdminBucketQuotaExceeded|InsufficientStorage|QuotaExceeded|507)$/,
    "OBJECTS_FULL",
    "no space is left; make room and try again: nothing was half-written",
  ],
  // MinIO that shuts down answers unfinished requests with 499 ClientDisconnected.
  // prettier-ignore
  [
    /^(ECONN|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE|Timeout|RequestTimeout|SlowDown|ServiceUnavailable|InternalError|XMinioServerNotInitialized|ClientDisconnected|499|5\d\d$)/,
    "OBJECTS_UNREACHABLE",
    "the server did not answer, or not in time; " +
      "check the endpoint and that it runs, then try again",
  ],
];

/**
 * Returns `error` as a TidemarkError. TidemarkErrors and errors of neither the server nor the
 * network are returned unchanged.
 */
export function objectError(store: string, key: string, error: unknown): unknown {
  if (isTidemarkError(error) || !(error instanceof Error)) return error;
  const { name, code, message, $metadata } = error as SdkError;
  if (message === "Region is missing")
    return new TidemarkError(
      "OBJECTS_WRONG_REGION",
      `${store}: no region is known; give \`region\`, or set AWS_REGION`,
      { cause: error },
    );
  const names = [name, code, $metadata?.httpStatusCode]
    .filter((one) => one !== undefined)
    .map(String);
  const known = KNOWN_FAILURES.find(([pattern]) => names.some((one) => pattern.test(one)));
  if (known === undefined && $metadata === undefined) return error;
  const attempts = $metadata?.attempts ?? 1;
  const word =
    typeof code === "string"
      ? code
      : /^(Unknown|UnknownError|Error|NotFound)$/.test(String(name))
        ? `HTTP ${$metadata?.httpStatusCode}`
        : String(name);
  const detail = `${word}${attempts > 1 ? ` after ${attempts} attempts` : ""} at "${key}"`;
  const errorCode = known?.[1] ?? "OBJECTS_FAILED";
  return new TidemarkError(
    errorCode,
    `${store}: ${known?.[2] ?? "the server refused; see the cause, then try again"} (${detail})`,
    { cause: error, retryable: RETRYABLE_CODES.includes(errorCode) },
  );
}

export function statusOf(error: unknown): number | undefined {
  return (error as SdkError | null)?.$metadata?.httpStatusCode;
}

export function nameOf(error: unknown): unknown {
  return (error as SdkError | null)?.name;
}

/** True if a request that failed this way may have been executed. */
export function isAmbiguous(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || [200, 408, 499].includes(status);
}
