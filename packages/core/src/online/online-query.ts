/** A read of features at request time. */
import type { OnMissing } from "../request/request-types.ts";
import type { SelectedFeature, Value } from "../specs.ts";

export interface OnlineQuery {
  readonly selection: readonly SelectedFeature[];
  /** For each request, the values of the entity keys by name. */
  readonly keys: readonly Readonly<Record<string, Value>>[];
  /**
   * "error": features that the store cannot answer refuse the whole request. "null": they are null,
   * with the reason as status. Default: "error".
   */
  readonly onMissing?: OnMissing | undefined;
  /** The time of the request, µs. */
  readonly t: number;
  /** Ends the computation with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The greatest size of the texts and bytes of the answer. */
  readonly maxBytes?: number | undefined;
}
