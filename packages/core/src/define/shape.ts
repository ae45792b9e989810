/** The parts of a definition that only types need. */

/**
 * The key under which a definition's type carries its inferred types. It has no value at run time.
 * The package does not export it. So no column or feature can collide with it, and editors do not
 * offer it.
 */
export declare const shape: unique symbol;

/** The same object type, shown member by member. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/**
 * The type of an argument that is refused, with the reason.
 * It is an interface, because an editor would offer a string type as a completion.
 */
export interface Invalid<out Why extends string> {
  readonly [shape]: Why;
}
