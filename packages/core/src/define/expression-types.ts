/** The types of expressions, and the checks that turn a wrong argument into a sentence. */
import type { ValueType } from "../specs.ts";
import type { InputOf, NumericType, OrderedType, TypeText } from "./column-types.ts";
import type { asks, computes, Invalid, parts } from "./shape.ts";

/**
 * An expression over the rows of source `S`: a column, or a function of columns and literals.
 * `K` is the type of its values, `V` their type in TypeScript.
 */
export interface Expr<out S extends string, out K extends ValueType, out V> {
  readonly [computes]: { readonly source: S; readonly type: K; readonly value: V };
}
/** An expression of any source and type. */
export type AnyExpr = Expr<string, ValueType, unknown>;

/** A value that a definition may name beside expressions. */
export type Literal = string | number | bigint | boolean | Date;
/** An expression or a literal. */
export type Term = AnyExpr | Literal;

/** A term, or an aggregation that is none yet, whose type says why. */
export type ArithmeticTerm = Term | NotYet<string>;
/** An aggregation that is no term yet. `Why` says what it lacks. */
interface NotYet<Why extends string> {
  readonly [computes]: Invalid<Why>;
}

type ShapeOf<T extends AnyExpr> = T[typeof computes];
/** The source of a term; never for a literal. */
export type SourceOf<T> = T extends AnyExpr ? ShapeOf<T>["source"] : never;
/** The type of a term's values. A whole number is an int64, another number a float64. */
export type TypeOf<T> = T extends AnyExpr
  ? ShapeOf<T>["type"]
  : T extends string
    ? "string"
    : T extends boolean
      ? "boolean"
      : T extends Date
        ? "timestamp"
        : TypeOfNumber<T>;
type TypeOfNumber<T> = T extends bigint
  ? "int64"
  : T extends number
    ? `${T}` extends `${bigint}`
      ? "int64"
      : "float64"
    : never;
/** The values of a term in TypeScript. A text keeps its literal type. */
export type ValueOf<T> = T extends AnyExpr
  ? ShapeOf<T>["value"]
  : T extends string
    ? T
    : T extends number
      ? number
      : T extends bigint
        ? bigint
        : T extends boolean
          ? boolean
          : T extends Date
            ? Date
            : never;
/** null if the term may be null, else never. */
export type NullOf<T> = unknown extends ValueOf<T> ? never : Extract<ValueOf<T>, null>;
/** The name of a column; "this" for another expression. */
export type NameOf<T> = T extends { readonly name: infer N extends string } ? N : "this";

/** The argument itself, or the sentence that refuses it. */
export type Arg<T extends AnyExpr, Allowed, Takes extends string> = [
  Extract<TypeOf<T>, Allowed>,
] extends [never]
  ? `${NameOf<T>} is ${TypeText<TypeOf<T>>}: ${Takes}`
  : T;

/** The argument itself, if its values have an order. */
export type Ordered<T extends AnyExpr> = [Extract<TypeOf<T>, OrderedType>] extends [never]
  ? `${NameOf<T>} is a json column, whose values have no order: it can only be isNull or isNotNull`
  : T;

/**
 * A second argument: an expression of a comparable type over the same source, or a literal of the
 * first one's type.
 */
export type Operand<A extends AnyExpr, B> = B extends AnyExpr
  ? SameSource<A, B> extends true
    ? Arg<B, Family<TypeIn<A>>, `it is compared with ${TypeText<TypeIn<A>>}`>
    : OtherSource<A, B>
  : B extends NotYet<infer Why>
    ? Why
    : NoInfer<InputLiteral<TypeIn<A>, ValueIn<A>>>;
// Indexed accesses: through a conditional type, TypeScript would infer `A` from the literal.
type TypeIn<T extends AnyExpr> = T[typeof computes]["type"];
type ValueIn<T extends AnyExpr> = T[typeof computes]["value"];
type Family<K> = K extends NumericType ? NumericType : K;

type PartsOf<T extends AnyExpr> =
  TypeOf<T> extends { readonly [parts]: infer P } ? P : { readonly [name: string]: ValueType };
type PartOf<T extends AnyExpr, N extends string> = PartsOf<T>[N & keyof PartsOf<T>];
/** The type of a list's elements; all types if they are not known. */
export type ElementType<T extends AnyExpr> = Extract<PartOf<T, "element">, ValueType>;
/** The elements of a list in TypeScript. */
export type ElementValue<T extends AnyExpr> =
  NonNullable<ValueOf<T>> extends readonly (infer V)[] ? V : never;
/** The type of a map's keys, or of its values. */
export type KeysType<T extends AnyExpr> = Extract<PartOf<T, "keys">, ValueType>;
export type ValuesType<T extends AnyExpr> = Extract<PartOf<T, "values">, ValueType>;
/** The keys of a map in TypeScript, or its values. */
export type MapKey<T extends AnyExpr> =
  NonNullable<ValueOf<T>> extends ReadonlyMap<infer K, unknown> ? K : never;
export type MapValue<T extends AnyExpr> =
  NonNullable<ValueOf<T>> extends ReadonlyMap<unknown, infer V> ? V : never;
/** The type of a member of a struct. */
export type MemberType<T extends AnyExpr, N> =
  PartOf<T, "members"> extends { readonly [M in N & string]: infer K }
    ? Extract<K, ValueType>
    : ValueType;

/** The list itself, or why its elements are refused. */
export type ListArg<T extends AnyExpr, Allowed, Takes extends string> = [
  Extract<TypeOf<T>, "list">,
] extends [never]
  ? `${NameOf<T>} is ${TypeText<TypeOf<T>>}: ${Takes}`
  : [Extract<ElementType<T>, Allowed>] extends [never]
    ? `${NameOf<T>} is a list of ${TypeText<ElementType<T>>}: ${Takes}`
    : T;
/** A value that is looked for among parts of type `K`, whose values are `V`. */
export type SoughtPart<A extends AnyExpr, B, K extends ValueType, V> = B extends AnyExpr
  ? SameSource<A, B> extends true
    ? Arg<B, Family<K>, `it is looked for among values of type ${TypeText<K>}`>
    : OtherSource<A, B>
  : NoInfer<InputLiteral<K, V>>;

/** A number beside a decimal means its digits as JavaScript prints them: 0.1 is "0.1". */
type InputLiteral<K extends ValueType, V> = K extends "decimal" ? string | number : InputOf<K, V>;

/**
 * The scope of an expression of windows, in the place of the source of rows.
 * `count()` has no source, so its windows are those of any source.
 */
export type WindowScope<S extends string> =
  | AnyWindows
  | ([S] extends [never] ? never : `windows of ${S}`);
type AnyWindows = "windows of any source";

/** The scope of an expression of the time of the answer alone. It mixes with all but rows. */
export type ClockScope = "the time of the answer";

/**
 * The scope of an expression of features and request data, in the place of the source of rows. A
 * caller must give `Needs` for it.
 */
export type FeatureScope<Needs> = "features" & { readonly [asks]: (needs: Needs) => void };
/** The scope of any features. */
export type AnyFeatures = FeatureScope<never>;
/** What a caller must give for the expressions of a scope. */
export type NeedsOfScope<S> = (
  S extends FeatureScope<infer N> ? (needs: N) => void : never
) extends (needs: infer All) => void
  ? { [K in keyof All]: All[K] } & {}
  : never;

/**
 * Whether two terms may be arguments of one function: an expression reads one source, and is about
 * its rows, about windows or about features.
 */
export type SameSource<A, B> = [SourceOf<A>] extends [never]
  ? true
  : [SourceOf<B>] extends [never]
    ? true
    : [SourceOf<B>] extends [SourceOf<A>]
      ? true
      : [SourceOf<A>] extends [AnyWindows]
        ? [SourceOf<B>] extends [`windows of ${string}` | ClockScope]
          ? true
          : false
        : [SourceOf<A>, SourceOf<B>] extends [AnyFeatures, AnyFeatures]
          ? true
          : [Extract<SourceOf<A> | SourceOf<B>, ClockScope>] extends [never]
            ? false
            : MixesWithTime<Exclude<SourceOf<A>, ClockScope>, Exclude<SourceOf<B>, ClockScope>>;
/** Whether scopes mix of which one has the time of the answer beside it. */
type MixesWithTime<A, B> = [A | B] extends [AnyFeatures]
  ? true
  : [A | B] extends [`windows of ${string}`]
    ? IsOneSource<Exclude<A | B, AnyWindows>>
    : false;
type IsOneSource<S, All = S> = [S] extends [never]
  ? true
  : S extends unknown
    ? [All] extends [S]
      ? true
      : false
    : never;
/** The sentence that refuses an argument over another source. */
export type OtherSource<A, B> =
  `this is about ${ScopeText<SourceOf<B>>}, the first argument about ${ScopeText<SourceOf<A>>}`;
/** What an expression is about, in words. */
export type ScopeText<S> = [S] extends [AnyFeatures]
  ? "features"
  : [Exclude<S, AnyWindows | ClockScope>] extends [never]
    ? S & string
    : [Exclude<S, AnyWindows | ClockScope>] extends [AnyFeatures]
      ? "features"
      : Exclude<S, AnyWindows | ClockScope> & string;

/** A term of arithmetic: an expression of numbers, a number, or a decimal such as "12.50". */
export type NumberTerm<T extends ArithmeticTerm> = T extends AnyExpr
  ? Arg<T, NumericType, "arithmetic takes numbers">
  : T extends NotYet<infer Why>
    ? Why
    : T extends number | bigint | `${number}`
      ? T
      : Invalid<"arithmetic takes numbers; a decimal is written as '12.50'">;
/** The second term of arithmetic. */
export type SecondNumber<A extends ArithmeticTerm, B extends ArithmeticTerm> = B extends AnyExpr
  ? SameSource<A, B> extends true
    ? NumberTerm<B>
    : OtherSource<A, B>
  : NumberTerm<B>;

/** A literal is a decimal beside a decimal. Digits in quotes are a decimal. */
type NumberType<T, Other> = T extends AnyExpr
  ? TypeOf<T>
  : T extends string
    ? "decimal"
    : TypeOf<Other> extends "decimal"
      ? "decimal"
      : TypeOf<T>;
/** The type of arithmetic with values of these types: float64 before decimal before int64. */
export type ArithmeticType<K> = "float64" extends K
  ? "float64"
  : "decimal" extends K
    ? "decimal"
    : "int64";
/** An int64 is a bigint unless every integer in it is a number. */
export type ArithmeticValue<K, V> = K extends "float64"
  ? number
  : K extends "decimal"
    ? string
    : bigint extends V
      ? bigint
      : number;
/** The type of arithmetic with two terms. */
export type ResultType<A, B> = ArithmeticType<NumberType<A, B> | NumberType<B, A>>;
/** The values of arithmetic with two terms, without null. */
export type ResultValue<A, B> = ArithmeticValue<
  ResultType<A, B>,
  NonNullable<ValueOf<A>> | NonNullable<ValueOf<B>>
>;
