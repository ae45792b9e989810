import type { ErrorCode } from "./error-codes.ts";

/**
 * An error of Tidemark. The `code` is stable and meant for programs. The message names the object,
 * the cause and the next step.
 *
 * The constructor takes an {@link ErrorCode}. An adapter with codes of its own names the code as
 * the type parameter, and gives the address of its own documentation.
 *
 * @example
 * const docs = "https://example.com/shop#closed";
 * const message = "shop: it is closed; call it after 8:00";
 * const error = new TidemarkError<"SHOP_CLOSED">("SHOP_CLOSED", message, { docs });
 * console.log(error.code); // SHOP_CLOSED
 */
export class TidemarkError<Code extends string = ErrorCode> extends Error {
  /** The stable name of the error. */
  readonly code: Code;
  /** The address of the page that describes the code, its cause and the next step. */
  readonly docs: string;
  /**
   * Whether the same call may work later.
   * True if a store was unavailable, busy or full, and the definitions and the data are not at
   * fault.
   */
  readonly retryable: boolean;

  constructor(
    code: NoInfer<Code>,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly retryable?: boolean | undefined;
      /** For a code that is none of Tidemark's. */
      readonly docs?: string | undefined;
    } = {},
  ) {
    super(message, options);
    this.name = "TidemarkError";
    this.code = code;
    this.docs = options.docs ?? docsOf(code);
    this.retryable = options.retryable === true;
  }
}

/** The address of a code's row in the list of errors. */
function docsOf(code: string): string {
  return `https://tidemark-features.github.io/tidemark/errors#${code.toLowerCase()}`;
}

/** A code of Tidemark, or of an adapter that throws its own. */
type AnyCode = ErrorCode | (string & {});

/**
 * True for a TidemarkError of any copy of this package. With a code: true for that code only, and
 * `error.code` has the type of that code. A code of an adapter is named as the type parameter.
 *
 * @example
 * try {
 *   micros(1.5);
 * } catch (error) {
 *   if (isTidemarkError(error, "TIME_INVALID")) console.log(error.message, error.docs);
 * }
 */
export function isTidemarkError(error: unknown): error is TidemarkError<AnyCode>;
export function isTidemarkError<Code extends string = never>(
  error: unknown,
  code: NoInfer<Code>,
): error is TidemarkError<Code>;
export function isTidemarkError<Code extends ErrorCode>(
  error: unknown,
  code: Code,
): error is TidemarkError<Code>;
export function isTidemarkError(error: unknown, code?: string): boolean {
  return (
    error instanceof Error &&
    error.name === "TidemarkError" &&
    (code === undefined || (error as TidemarkError).code === code)
  );
}

/**
 * Whether a value is a TidemarkError after which the same call may work later.
 * A run retries such an error, and any other error ends the run.
 *
 * @example
 * const shouldRetry = (error: unknown): boolean => isRetryable(error);
 */
export function isRetryable(error: unknown): error is TidemarkError<AnyCode> {
  return isTidemarkError(error) && error.retryable === true;
}
