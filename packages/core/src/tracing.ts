/**
 * Traces of OpenTelemetry. The API registers itself under a global symbol, so nothing is imported:
 * where the process has no tracer, a traced call costs one lookup. Attributes are names and counts,
 * never an entity key or a value.
 */

/** The part of OpenTelemetry's span that is used. */
interface Span {
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(): void;
}

interface Tracer {
  startActiveSpan<T>(
    name: string,
    options: { readonly attributes: Attributes },
    work: (span: Span) => T,
  ): T;
}

/** What a span says: names and counts. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Where version 1 of `@opentelemetry/api` keeps what the process has registered. */
const API: unique symbol = Symbol.for("opentelemetry.js.api.1") as never;
/** OpenTelemetry's status of a span that failed. */
const ERROR = 2;

interface Registered {
  readonly trace?: { getTracer(name: string): Tracer } | undefined;
}

function tracer(): Tracer | null {
  const registered = (globalThis as { readonly [API]?: Registered })[API];
  return registered?.trace?.getTracer("@tidemark/core") ?? null;
}

/**
 * Runs the work in a span, if the process has a tracer. `after` gives further attributes from the
 * result. An error marks the span with its code; its message may hold values, and is left out.
 */
export function traced<T>(
  name: string,
  attributes: () => Attributes,
  work: () => Promise<T>,
  after?: (result: T) => Attributes,
): Promise<T> {
  const found = tracer();
  if (found === null) return work();
  return found.startActiveSpan(`tidemark.${name}`, { attributes: attributes() }, async (span) => {
    try {
      const result = await work();
      if (after !== undefined) span.setAttributes(after(result));
      return result;
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      span.setAttributes({ "error.type": typeof code === "string" ? code : "UNEXPECTED" });
      span.setStatus({ code: ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
