/** What types alone need to know of a definition. */

/**
 * The key under which a definition's type carries what is inferred from it. It has no run-time
 * value and is not exported from the package, so no column or feature can collide with it and no
 * editor offers it.
 */
export declare const shape: unique symbol;

/** An object type shown member by member. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/**
 * Stands where an argument would be accepted and says why it is not. An interface, because an
 * editor would offer a string type as a completion.
 */
export interface Invalid<out Why extends string> {
  readonly [shape]: Why;
}
