/** Metadata of definitions: what people want to know of them, and no answer depends on. */

/** How much care the values need, from the least to the most. */
export type Sensitivity = "public" | "internal" | "confidential" | "pii";

/** Says that a definition is going away. */
export interface Deprecation {
  /** What to ask for instead, such as `spending.total_30d`. */
  readonly replacedBy?: string | undefined;
  readonly reason?: string | undefined;
  /** Until when it is answered, such as a date. */
  readonly until?: string | undefined;
}

/** Metadata of a definition. It is no part of the fingerprint: a change of it costs nothing. */
export interface Metadata {
  readonly description?: string | undefined;
  /** The team or the person that answers for it. */
  readonly owner?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** The unit of the values, such as "CHF" or "seconds". */
  readonly unit?: string | undefined;
  /** Without it a feature has the strictest of the columns that it reads. */
  readonly sensitivity?: Sensitivity | undefined;
  readonly deprecated?: Deprecation | undefined;
}

/**
 * The key under which a spec has its metadata. It is a symbol, so that no text of a spec has the
 * metadata: fingerprints and comparisons leave it out. A spread of a spec keeps it.
 */
export const metadataKey: unique symbol = Symbol.for("tidemark.metadata") as never;

/** What a spec has if its definition may have metadata. */
export interface Described {
  readonly [metadataKey]?: Metadata | undefined;
}

/** Returns the metadata of a spec; undefined: it has none. */
export function metadataOf(spec: Described): Metadata | undefined {
  return spec[metadataKey];
}

/** Returns the metadata of a spec, for a spread into another one; nothing if it has none. */
export function describedAs({ [metadataKey]: metadata }: Described): Described {
  return metadata === undefined ? {} : { [metadataKey]: metadata };
}

/** The sensitivities, from the least strict. */
export const SENSITIVITIES: readonly Sensitivity[] = ["public", "internal", "confidential", "pii"];

/** Returns the strictest; null: there is none. */
export function strictest(
  sensitivities: readonly (Sensitivity | null | undefined)[],
): Sensitivity | null {
  const ranks = sensitivities.map((one) => (one == null ? -1 : SENSITIVITIES.indexOf(one)));
  return SENSITIVITIES[Math.max(-1, ...ranks)] ?? null;
}
