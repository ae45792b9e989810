/** What an aggregation takes of a row: an expression, or several as a struct. */
import type { Ordered } from "./aggregations.ts";
import type { StructType } from "./column-types.ts";
import type {
  AnyExpr,
  OtherSource,
  SameSource,
  SourceOf,
  TypeOf,
  ValueOf,
} from "./expression-types.ts";

/** An expression of rows, or an object of them, which is a struct. */
export type Item = AnyExpr | { readonly [member: string]: AnyExpr };

type Members<E> = Exclude<E, AnyExpr>;
/** The item itself, or why a member cannot be in it. */
export type CheckItem<E extends Item> = E extends AnyExpr
  ? E
  : {
      readonly [N in keyof E]: [SourceOf<E[keyof E]>] extends [SourceOf<E[N]>]
        ? E[N]
        : `this is about ${SourceOf<E[N]>}, and a struct is about one source`;
    };
/** The source of an item. */
export type ItemSource<E extends Item> = E extends AnyExpr ? SourceOf<E> : SourceOf<E[keyof E]>;
/** The values of an item. A struct is never null, its members may be. */
export type ItemValue<E extends Item> = E extends AnyExpr
  ? NonNullable<ValueOf<E>>
  : { readonly [N in keyof E]: ValueOf<E[N]> };
/** The type of an item. */
export type ItemType<E extends Item> = E extends AnyExpr
  ? TypeOf<E>
  : StructType<{ readonly [N in keyof E]: TypeOf<E[N]> }>;
/** What the row of an item is chosen by, or why it cannot be beside the item. */
export type CheckBy<E extends Item, B extends AnyExpr> = E extends AnyExpr
  ? SameSource<E, B> extends true
    ? Ordered<B>
    : OtherSource<E, B>
  : SameSource<Members<E>[keyof Members<E>], B> extends true
    ? Ordered<B>
    : OtherSource<Members<E>[keyof Members<E>], B>;
