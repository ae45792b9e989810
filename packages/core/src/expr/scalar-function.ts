/** The record of a scalar function: its types, its kernel, its SQL and an example. */
import type { Overflows } from "../columns/overflows.ts";
import type { ErrorCode } from "../error-codes.ts";
import type { CallExpression, CallOptions, Expression, TypeSpec, Value } from "../specs.ts";

/** Reads the value of an expression at a row of the batch that it is bound to. */
export type Reader = (row: number) => Value;

/** What a function is called with, when it is defined. */
export interface Call {
  /** Begins the message of an error, such as `eq(transactions.vendor)`. */
  readonly who: string;
  readonly arguments: readonly Expression[];
  readonly options: CallOptions;
  /** Throws a TidemarkError whose message begins with `who`. */
  refuse(code: ErrorCode, why: string): never;
}

/** An argument of a call that is bound to a batch. */
export interface BoundArgument {
  readonly spec: TypeSpec;
  readonly read: Reader;
  /** The value, if the argument is a literal. */
  readonly constant: Value | undefined;
}

/** What a kernel knows of its call besides the arguments. */
export interface BoundCall {
  readonly call: CallExpression;
  readonly overflows: Overflows;
  /** Gives the time that a row is answered at, µs; null: the expression is about rows. */
  readonly timeOf: ((row: number) => number) | null;
}

/** SQL of an expression. Its rank says where it needs brackets. */
export interface SqlText {
  readonly text: string;
  readonly rank: SqlRank;
}
/** From what binds last to what needs no brackets. */
export type SqlRank = "logic" | "comparison" | "sum" | "product" | "atom";

/** Prints an argument of a call, in brackets unless it binds more than `than`. */
export type PrintArgument = (index: number, than?: SqlRank) => string;

/** A scalar function. One record is all that definitions, kernels, SQL and docs know of it. */
export interface ScalarFunction {
  readonly name: string;
  /** The type of the result. Refuses wrong arguments. */
  readonly typeRule: (call: Call) => TypeSpec;
  /** Binds the function to its arguments. */
  readonly kernel: (arguments_: readonly BoundArgument[], bound: BoundCall) => Reader;
  /** Prints a call as SQL. */
  readonly sql: (call: CallExpression, print: PrintArgument) => SqlText;
  /** True if the answer moves with t. Expressions of rows have no such function. */
  readonly clock?: true | undefined;
  /** True if the order and the repetition of the arguments do not matter. */
  readonly isSet?: true | undefined;
  /** What the function takes and answers, for the page of functions. */
  readonly signature: string;
  /** What it computes, and where it is null besides missing arguments. */
  readonly rule: string;
  /** A call and its answer. The tests run it. */
  readonly example: readonly [call: string, answer: string];
}

/** What the page of functions says of one. */
export type FunctionDocs = Pick<ScalarFunction, "signature" | "rule" | "example">;
