/** Infers and checks the types of a feature view. */
import type { AnyAggregation, FormerNamesOf } from "./aggregations.ts";
import type {
  AnyExpr,
  AnyFeatures,
  ClockScope,
  NeedsOfScope,
  ScopeText,
  SourceOf,
  WindowScope,
} from "./expression-types.ts";
import type { AnyColumn, ColumnType } from "./column-types.ts";
import type { CheckDuration } from "./duration.ts";
import type { AnyEntity } from "./entity.ts";
import type { BadFeatureName, FeatureNameForm } from "./names.ts";
import type { computes, Invalid, Simplify, shape } from "./shape.ts";
import type { AnySource } from "./source.ts";
import type { ValueType } from "../specs.ts";

/** Features by name: aggregations, and functions of windows. */
export type Features = { readonly [name: string]: AnyAggregation | AnyExpr };
type ShapeOf<X extends { readonly [shape]: unknown }> = X[typeof shape];
type KeysOf<E extends AnyEntity> = ShapeOf<E>["keys"];
type NameOf<X extends AnyEntity | AnySource> = ShapeOf<X>["name"];

/** What is added to a feature's name; a function of windows keeps its name. */
type SuffixOf<A> = A extends AnyAggregation ? ShapeOf<A>["suffix"] : "";
type FeatureKindOf<A> = A extends AnyAggregation ? ShapeOf<A>["kind"] : "window";
type ValueOfFeature<A> = A extends AnyAggregation
  ? ShapeOf<A>["value"]
  : A extends AnyExpr
    ? A[typeof computes]["value"]
    : never;

/**
 * The values of the features, by name.
 * The first branch links a feature's name to where it was written, for hover text and go to
 * definition.
 * A mapped type with `as` loses that link.
 */
export type RowOfFeatures<F extends Features> = [FormerNamesOf<F[keyof F]>] extends [never]
  ? CurrentRow<F>
  : Simplify<CurrentRow<F> & FormerRow<F>>;
type CurrentRow<F extends Features> =
  SuffixOf<F[keyof F]> extends ""
    ? { -readonly [K in keyof F]: ValueOfFeature<F[K]> } & {}
    : {
        -readonly [K in keyof F as `${K & string}${SuffixOf<F[K]>}`]: ValueOfFeature<F[K]>;
      } & {};

/** The values of the renamed features, by their former names. */
type FormerRow<F extends Features> = {
  -readonly [K in keyof F as `${FormerNamesOf<F[K]>}${SuffixOf<F[K]>}`]: ValueOfFeature<F[K]>;
};

/** The types of the features' values, by name. */
export type KindsOfFeatures<F extends Features> = [FormerNamesOf<F[keyof F]>] extends [never]
  ? CurrentKinds<F>
  : Simplify<CurrentKinds<F> & FormerKinds<F>>;
type CurrentKinds<F extends Features> =
  SuffixOf<F[keyof F]> extends ""
    ? { [K in keyof F]: TypeOfFeature<F[K]> }
    : { [K in keyof F as `${K & string}${SuffixOf<F[K]>}`]: TypeOfFeature<F[K]> };
type FormerKinds<F extends Features> = {
  [K in keyof F as `${FormerNamesOf<F[K]>}${SuffixOf<F[K]>}`]: TypeOfFeature<F[K]>;
};
type TypeOfFeature<A> = A extends AnyAggregation
  ? ShapeOf<A>["type"]
  : A extends AnyExpr
    ? A[typeof computes]["type"]
    : never;

/** What a feature is about: a source, windows, or features. */
type ScopeOf<A> = A extends AnyAggregation ? ShapeOf<A>["source"] : SourceOf<A>;
/** What a caller must give for the features of a derived view, all of them or each by name. */
export type NeedsOfDerived<F extends Features> = NeedsOfScope<ScopeOf<F[keyof F]>>;
export type NeedsOfEach<F extends Features> = {
  [K in keyof F as K | FormerNamesOf<F[K]>]: NeedsOfScope<ScopeOf<F[K]>>;
};

/** Each derived feature itself, or the sentence that says what is wrong with it. */
export type CheckDerivedFeatures<F extends Features> = {
  readonly [K in keyof F]: K extends BadFeatureName
    ? `'${K}' is no name for a feature: ${FeatureNameForm}`
    : CheckDerived<F[K], K>;
};
type CheckDerived<A, N> = [ScopeOf<A>] extends [never]
  ? "this computes with no feature: an aggregation is a feature of a featureView"
  : [ScopeOf<A>] extends [AnyFeatures | ClockScope]
    ? N extends keyof NeedsOfScope<ScopeOf<A>>
      ? `${N & string} is what a caller gives for it: call the feature something else`
      : A
    : `this is about ${ScopeText<ScopeOf<A>>}: make it a feature of a view, and compute with that`;

/** Names that `overEach` makes. */
type SuffixedNames<F extends Features> =
  SuffixOf<F[keyof F]> extends ""
    ? never
    : {
        [K in keyof F]: SuffixOf<F[K]> extends "" ? never : `${K & string}${SuffixOf<F[K]>}`;
      }[keyof F];

/** Each feature itself, or the sentence that says what is wrong with it. */
export type CheckFeatures<F extends Features, S extends AnySource, E extends AnyEntity> = {
  readonly [K in keyof F]: CheckFeature<
    F[K],
    K,
    NameOf<S>,
    ShapeOf<S>["timing"],
    KeysOf<E>,
    SuffixedNames<F>,
    FeatureKindOf<F[keyof F]>
  >;
};
type CheckFeature<A, N, S extends string, Timing, Keys, Suffixes, All> = N extends BadFeatureName
  ? `'${N}' is no name for a feature: ${FeatureNameForm}`
  : N extends keyof Keys
    ? `${N & string} is a key of the entity: call the feature something else`
    : A extends AnyAggregation
      ? [ShapeOf<A>["source"]] extends [S]
        ? CheckComputed<A, N, S, Timing, Suffixes, All>
        : [ShapeOf<A>["source"]] extends [AnyFeatures]
          ? OfFeatures
          : string extends ShapeOf<A>["source"]
            ? "a feature is an aggregation, as in count().over('7d')"
            : `this feature reads ${ShapeOf<A>["source"]}, the view reads ${S}`
      : CheckFunction<A, N, S, Timing, Suffixes>;
type OfFeatures = "this computes with features of views: put it into a derivedView";
type CheckFunction<A, N, S extends string, Timing, Suffixes> = [SourceOf<A>] extends [
  WindowScope<S> | ClockScope,
]
  ? N extends Suffixes
    ? `${N & string} is also what an overEach of this view makes: rename one`
    : Timing extends "commit"
      ? `${S} is a dimension (commitTime()), ${NoEventTime}: use latest(...)`
      : A
  : [SourceOf<A>] extends [`windows of ${string}` | ClockScope]
    ? `this feature reads ${ScopeText<SourceOf<A>>}, the view reads ${S}`
    : [SourceOf<A>] extends [AnyFeatures | ClockScope]
      ? OfFeatures
      : "this is about rows: aggregate them, as in last(...).over('7d')";
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
export type CheckTtl<T extends string, F extends Features> =
  "window" extends FeatureKindOf<F[keyof F]>
    ? Invalid<"ttl bounds latest features, and these have windows: drop it">
    : CheckDuration<T>;
