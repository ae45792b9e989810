/** What Tidemark throws: a stable `code` for programs, a message that says who, what and the next step for people. */
export class TidemarkError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "TidemarkError";
    this.code = code;
  }
}

/** True for a TidemarkError of any copy of this package, and for one code when it is given. */
export function isTidemarkError(error: unknown, code?: string): error is TidemarkError {
  return error instanceof Error && error.name === "TidemarkError" && (code === undefined || (error as TidemarkError).code === code);
}
