/** The parts of a definition that only types need. */

/**
 * The key under which a definition's type carries its inferred types. It has no value at run time.
 * The package does not export it. So no column or feature can collide with it, and editors do not
 * offer it.
 */
export declare const shape: unique symbol;

/** The key under which an expression's type carries its source, type and values. */
export declare const computes: unique symbol;

/** The key under which the scope of features carries what a caller must give for them. */
export declare const asks: unique symbol;

/** The key under which the type of a list, a map or a struct carries the types of its parts. */
export declare const parts: unique symbol;

/** The key under which a branch of `caseWhen` carries its types. */
export declare const branch: unique symbol;

/** The same object type, shown member by member. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/**
 * The type of an argument that is refused, with the reason.
 * It is an interface, because an editor would offer a string type as a completion.
 */
export interface Invalid<out Why extends string> {
  readonly [shape]: Why;
}
