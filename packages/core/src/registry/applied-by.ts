/** Who applied a version of the registry, and when. */

/** Who applied a version, and when. */
export interface AppliedBy {
  /** When, as an ISO time in UTC. */
  readonly at: string;
  /** The account: `user@machine`, or the option `by` of `apply`. */
  readonly by: string;
}

/** Returns whether a stored value says who applied a version, and when. */
export function isAppliedBy(value: unknown): value is AppliedBy {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as AppliedBy).at === "string" &&
    typeof (value as AppliedBy).by === "string"
  );
}
