/** Infers and checks the types of a feature view. */
import type { AnyAggregation } from "./aggregations.ts";
import type { AnyColumn, ColumnType } from "./column-types.ts";
import type { CheckDuration } from "./duration.ts";
import type { AnyEntity } from "./entity.ts";
import type { BadFeatureName, FeatureNameForm } from "./names.ts";
import type { Invalid, shape } from "./shape.ts";
import type { AnySource } from "./source.ts";
import type { ValueType } from "../specs.ts";

export type Aggregations = { readonly [name: string]: AnyAggregation };
type ShapeOf<X extends { readonly [shape]: unknown }> = X[typeof shape];
type KeysOf<E extends AnyEntity> = ShapeOf<E>["keys"];
type NameOf<X extends AnyEntity | AnySource> = ShapeOf<X>["name"];

/**
 * The values of the features, by name.
 * The first branch links a feature's name to where it was written, for hover text and go to
 * definition.
 * A mapped type with `as` loses that link.
 */
export type RowOfFeatures<F extends Aggregations> = ShapeOf<F[keyof F]>["suffix"] extends ""
  ? { -readonly [K in keyof F]: ShapeOf<F[K]>["value"] } & {}
  : {
      -readonly [K in keyof F as `${K & string}${ShapeOf<F[K]>["suffix"]}`]: ShapeOf<F[K]>["value"];
    } & {};

/** Names that `overEach` makes. */
type SuffixedNames<F extends Aggregations> = ShapeOf<F[keyof F]>["suffix"] extends ""
  ? never
  : {
      [K in keyof F]: ShapeOf<F[K]>["suffix"] extends ""
        ? never
        : `${K & string}${ShapeOf<F[K]>["suffix"]}`;
    }[keyof F];

/** Each feature itself, or the sentence that says what is wrong with it. */
export type CheckFeatures<F extends Aggregations, S extends AnySource, E extends AnyEntity> = {
  readonly [K in keyof F]: CheckFeature<
    F[K],
    K,
    NameOf<S>,
    ShapeOf<S>["timing"],
    KeysOf<E>,
    SuffixedNames<F>,
    ShapeOf<F[keyof F]>["kind"]
  >;
};
type CheckFeature<
  A extends AnyAggregation,
  N,
  S extends string,
  Timing,
  Keys,
  Suffixes,
  All,
> = N extends BadFeatureName
  ? `'${N}' is no name for a feature: ${FeatureNameForm}`
  : N extends keyof Keys
    ? `${N & string} is a key of the entity: call the feature something else`
    : [ShapeOf<A>["source"]] extends [S]
      ? CheckComputed<A, N, S, Timing, Suffixes, All>
      : string extends ShapeOf<A>["source"]
        ? "a feature is an aggregation, as in count().over('7d')"
        : `this feature reads ${ShapeOf<A>["source"]}, the view reads ${S}`;
type CheckComputed<A extends AnyAggregation, N, S extends string, Timing, Suffixes, All> = [
  ShapeOf<A>["suffix"],
] extends [never]
  ? "say over which window, as in .over('7d')"
  : N extends Suffixes
    ? `${N & string} is also what an overEach of this view makes: rename one`
    : [ShapeOf<A>["kind"], "window"] extends ["latest", All]
      ? "a view has either windows or latest features, and this is latest: put it into another view"
      : [ShapeOf<A>["kind"], Timing] extends ["window", "commit"]
        ? `${S} is a dimension (commitTime()), ${NoEventTime}: use latest(...)`
        : A;

type NoEventTime = "whose rows have no event time to lie in a window";

/**
 * The entity itself, or the sentence that says which key the source lacks.
 * `CheckKeys` checks a key that `keys` maps.
 */
export type CheckEntity<E extends AnyEntity, S extends AnySource, M> = [
  KeyProblem<E, S, M>,
] extends [never]
  ? E
  : KeyProblem<E, S, M>;
type KeyProblem<
  E extends AnyEntity,
  S extends AnySource,
  M,
  K = KeysOf<E>,
  C = ShapeOf<S>["columns"],
> = {
  [N in keyof K]: N extends keyof M
    ? never
    : N extends keyof C
      ? TypeMatches<TypeOf<C[N]>, TypeOf<K[N]>> extends true
        ? never
        : `${NameOf<S>}.${N & string} is ${TypeOf<C[N]>}, ${KeyOf<E>} is ${TypeOf<K[N]>}`
      : `${NameOf<S>} has no column ${N & string}, ${KeyOf<E>}: map it with keys`;
}[keyof K];
type KeyOf<E extends AnyEntity> = `the key of entity ${NameOf<E>}`;

/** Each mapped key itself, or the sentence that says why the column cannot hold it. */
export type CheckKeys<M, E extends AnyEntity, S extends AnySource, K = KeysOf<E>> = {
  readonly [N in keyof M]: N extends keyof K
    ? CheckKey<M[N], TypeOf<K[N]>, NameOf<S>>
    : `entity ${NameOf<E>} has no key ${N & string}`;
};
type CheckKey<C, Wanted extends ValueType, S extends string> = C extends AnyColumn
  ? C["source"] extends S
    ? TypeMatches<C["type"], Wanted> extends true
      ? C
      : `${C["name"]} is ${C["type"]}, the key is ${Wanted}`
    : `${C["name"]} is a column of ${C["source"]}, the view reads ${S}`
  : never;
/**
 * Whether a type may be another.
 * A type that is one of several (definitions made from data) passes here. The call checks it.
 */
type TypeMatches<K, Wanted> = [Extract<K, Wanted>] extends [never] ? false : true;
type TypeOf<C> = C extends ColumnType<infer K, unknown> ? K : never;

/** The duration itself, or the sentence that says why the view takes none. */
export type CheckTtl<T extends string, F extends Aggregations> = "window" extends ShapeOf<
  F[keyof F]
>["kind"]
  ? Invalid<"ttl bounds latest features, and these have windows: drop it">
  : CheckDuration<T>;
