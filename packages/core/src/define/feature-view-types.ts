/** How a view's types are inferred and checked. */
import type { AnyAggregation } from "./aggregations.ts";
import type { AnyColumn, ColumnType } from "./column-types.ts";
import type { CheckDuration } from "./duration.ts";
import type { AnyEntity } from "./entity.ts";
import type { BadFeatureName } from "./names.ts";
import type { Invalid, shape } from "./shape.ts";
import type { AnySource } from "./source.ts";
import type { Kind } from "../specs.ts";

export type Aggregations = { readonly [name: string]: AnyAggregation };
type Shape<X extends { readonly [shape]: unknown }> = X[typeof shape];
type KeysOf<E extends AnyEntity> = Shape<E>["keys"];
type NameOf<X extends AnyEntity | AnySource> = Shape<X>["name"];

/**
 * The first branch keeps the link from a feature's name to where it was written (hover text, go to
 * definition); `as` loses it.
 */
export type RowOfFeatures<F extends Aggregations> = Shape<F[keyof F]>["suffix"] extends ""
  ? { -readonly [K in keyof F]: Shape<F[K]>["value"] } & {}
  : {
      -readonly [K in keyof F as `${K & string}${Shape<F[K]>["suffix"]}`]: Shape<F[K]>["value"];
    } & {};

/** Names that `overEach` makes. */
type Suffixed<F extends Aggregations> = Shape<F[keyof F]>["suffix"] extends ""
  ? never
  : {
      [K in keyof F]: Shape<F[K]>["suffix"] extends ""
        ? never
        : `${K & string}${Shape<F[K]>["suffix"]}`;
    }[keyof F];

/** Every feature itself, or the sentence that says what is wrong with it. */
export type CheckFeatures<F extends Aggregations, S extends AnySource, E extends AnyEntity> = {
  readonly [K in keyof F]: CheckFeature<
    F[K],
    K,
    NameOf<S>,
    Shape<S>["timing"],
    KeysOf<E>,
    Suffixed<F>,
    Shape<F[keyof F]>["is"]
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
  ? `'${N}' is no name for a feature: use letters, digits and _, and keep event_timestamp for the time`
  : N extends keyof Keys
    ? `${N & string} is a key of the entity: call the feature something else`
    : [Shape<A>["source"]] extends [S]
      ? CheckComputed<A, N, S, Timing, Suffixes, All>
      : string extends Shape<A>["source"]
        ? "a feature is an aggregation, as in count().over('7d')"
        : `this feature reads ${Shape<A>["source"]}, the view reads ${S}`;
type CheckComputed<A extends AnyAggregation, N, S extends string, Timing, Suffixes, All> = [
  Shape<A>["suffix"],
] extends [never]
  ? "say over which window, as in .over('7d')"
  : N extends Suffixes
    ? `${N & string} is also what an overEach of this view makes: rename one`
    : [Shape<A>["is"], "window"] extends ["fact", All]
      ? "a view has either windows or latest facts, and this is a fact: put it into another view"
      : [Shape<A>["is"], Timing] extends ["window", "commit"]
        ? `${S} is a dimension (committed()), whose rows have no event time to lie in a window: use latest(...)`
        : A;

/**
 * The entity itself, or the sentence that says which key the source lacks. A key that `keys` maps
 * is checked there.
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
  C = Shape<S>["columns"],
> = {
  [N in keyof K]: N extends keyof M
    ? never
    : N extends keyof C
      ? Meets<KindOf<C[N]>, KindOf<K[N]>> extends true
        ? never
        : `${NameOf<S>}.${N & string} is ${KindOf<C[N]>}, the key of entity ${NameOf<E>} is ${KindOf<K[N]>}`
      : `${NameOf<S>} has no column ${N & string}, the key of entity ${NameOf<E>}: map it with keys`;
}[keyof K];

/** Every mapped key itself, or the sentence that says why the column cannot hold it. */
export type CheckKeys<M, E extends AnyEntity, S extends AnySource, K = KeysOf<E>> = {
  readonly [N in keyof M]: N extends keyof K
    ? CheckKey<M[N], KindOf<K[N]>, NameOf<S>>
    : `entity ${NameOf<E>} has no key ${N & string}`;
};
type CheckKey<C, Wanted extends Kind, S extends string> = C extends AnyColumn
  ? C["source"] extends S
    ? Meets<C["kind"], Wanted> extends true
      ? C
      : `${C["name"]} is ${C["kind"]}, the key is ${Wanted}`
    : `${C["name"]} is a column of ${C["source"]}, the view reads ${S}`
  : never;
/**
 * Whether a kind may be another: kinds known to be one of several (definitions made from data) are
 * checked when they run.
 */
type Meets<K, Wanted> = [Extract<K, Wanted>] extends [never] ? false : true;
type KindOf<C> = C extends ColumnType<infer K, unknown> ? K : never;

/** The duration itself, or the sentence that says why there can be none. */
export type CheckTtl<T extends string, F extends Aggregations> = "window" extends Shape<
  F[keyof F]
>["is"]
  ? Invalid<"ttl bounds facts, and these features have windows: drop it">
  : CheckDuration<T>;
