/**
 * An error of Tidemark, with a stable `code` for programs.
 * The message names the caller, the problem and the next step.
 *
 * @example
 * const error = new TidemarkError("SHOP_CLOSED", "shop: it is closed; call it after 8:00");
 * console.log(error.code); // SHOP_CLOSED
 */
export class TidemarkError extends Error {
  readonly code: string;
  /**
   * Whether the same call may work later.
   * True if a store was unavailable, busy or full, and the definitions and the data are not at
   * fault.
   */
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    options: { readonly cause?: unknown; readonly retryable?: boolean | undefined } = {},
  ) {
    super(message, options);
    this.name = "TidemarkError";
    this.code = code;
    this.retryable = options.retryable === true;
  }
}

/**
 * Whether a value is a TidemarkError, of any copy of this package. With `code`: whether it has that
 * code.
 *
 * @example
 * try {
 *   micros(1.5);
 * } catch (error) {
 *   if (isTidemarkError(error, "TIME_INVALID")) console.log(error.message);
 * }
 */
export function isTidemarkError(error: unknown, code?: string): error is TidemarkError {
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
export function isRetryable(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.retryable === true;
}
