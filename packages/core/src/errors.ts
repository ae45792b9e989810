/**
 * What Tidemark throws: a stable `code` for programs, a message that says who, what and the next
 * step for people.
 */
export class TidemarkError extends Error {
  readonly code: string;
  /**
   * The same call may work later: a store was away, busy or full, and neither the definitions nor
   * the data are at fault.
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

/** True for a TidemarkError of any copy of this package, and for one code when it is given. */
export function isTidemarkError(error: unknown, code?: string): error is TidemarkError {
  return (
    error instanceof Error &&
    error.name === "TidemarkError" &&
    (code === undefined || (error as TidemarkError).code === code)
  );
}

/**
 * True for an error of a store after which the same call may work later. A run tries it again; any
 * other ends it.
 */
export function isRetryable(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.retryable === true;
}
