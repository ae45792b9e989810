/** The types of `mockStore`. */
import type { Columns, InputOf } from "../../define/column-types.ts";
import type { PushKey, PushRow, PushSourceInfo } from "../../define/push-source.ts";
import type { CheckList, Selection, SelectionList } from "../../define/selection.ts";
import type { SourceInfo, Timing } from "../../define/source.ts";
import type { shape } from "../../define/shape.ts";
import type { TimeInput } from "../../define/time-input.ts";
import type { Explanation } from "../../explain/explain-types.ts";
import type { Answered, Asked, Knowledge, OnlineAnswer } from "../../request/request-types.ts";
import type { ValueType } from "../../specs.ts";

/** A source of the definitions. */
export type MockSource = SourceInfo<string, Columns, Timing>;

/** A row to put: its columns under their names in TypeScript. A nullable column may be omitted. */
export type MockRow<X> = X extends SourceInfo<string, infer C, Timing> ? PushRow<C> : never;

/** The primary key of a row to remove, by column. */
export type MockKey<X> =
  X extends PushSourceInfo<string, infer C, Timing, infer K>
    ? PushKey<C, K>
    : X extends SourceInfo<string, infer C, Timing>
      ? {
          readonly [N in keyof C]?: InputOf<C[N]["type"] & ValueType, C[N][typeof shape]>;
        }
      : never;

/**
 * Settings of a put or a removal. A dimension needs `at`, because its versions hold from their
 * commit.
 */
export type MockChange<X> =
  X extends SourceInfo<string, Columns, "commit">
    ? readonly [
        options: {
          /** The commit time. */
          readonly at: TimeInput;
        },
      ]
    : readonly [
        options?: {
          /**
           * The commit time. Default: of a row, its event time, and of a removal, the commit time
           * of the change before; never earlier than the change before.
           */
          readonly at?: TimeInput | undefined;
        },
      ];

/** Settings of a question. */
export interface MockQuestion<M extends boolean = boolean> {
  /** The time of the answer, at which all windows end. */
  readonly asOf: TimeInput;
  /**
   * Which changes count. "as-corrected": all that were put and removed so far. "as-known": those
   * that were committed before `asOf`. Default: "as-corrected".
   */
  readonly knowledge?: Knowledge | undefined;
  /** Answers are `{ value, status, eventTime }`. Default: false. */
  readonly metadata?: M | undefined;
}

/** A store in memory for unit tests of definitions. Each question says its time. */
export interface MockStore {
  /**
   * Puts rows into a source, one after the other. A row whose primary key is there already replaces
   * the earlier row.
   *
   * @throws SOURCE_UNKNOWN when the definitions have no such source.
   * @throws MOCK_INVALID when a row does not fit the source, or `at` is before the change before.
   * @example
   * bank.put(logins, [{ id: "1", user_id: "ann", time: "2026-03-01T10:00:00Z" }]);
   */
  put<X extends MockSource>(
    source: X,
    rows: readonly MockRow<X>[],
    ...options: MockChange<X>
  ): void;
  /**
   * Removes the rows with these primary keys.
   *
   * @throws SOURCE_UNKNOWN when the definitions have no such source.
   * @throws MOCK_INVALID when there is no such row, or `at` is before the change before.
   * @example
   * bank.remove(logins, [{ id: "1" }], { at: "2026-03-02T00:00:00Z" });
   */
  remove<X extends MockSource>(
    source: X,
    keys: readonly MockKey<X>[],
    ...options: MockChange<X>
  ): void;
  /**
   * Answers features of one entity, as `getOnlineFeatures` does. Each answer is computed by the
   * online path, by the path of training sets, and anew from all rows. Request data stand beside
   * the keys.
   *
   * @throws MOCK_PATHS_DIFFER when two of the answers differ.
   * @throws KEY_INVALID when a key is missing, superfluous or of another type.
   * @throws SOURCE_UNKNOWN when a feature reads a source that the definitions do not have.
   * @example
   * const row = await bank.ask(weekly, { user_id: "ann" }, { asOf: "2026-03-03T00:00:00Z" });
   */
  ask<Row, Needs, const L extends SelectionList, const M extends boolean = false>(
    features: Selection<Row, Needs> | CheckList<L>,
    keys: NoInfer<Asked<L, Needs>>,
    options: MockQuestion<M>,
  ): Promise<OnlineAnswer<never, Answered<L, Row>, M>>;
  /**
   * Explains the answer to one feature, as `store.explain` does: the rows in each window with what
   * they bring, and those outside with the reason. Print it with `String(explanation)`.
   *
   * @throws SELECTION_INVALID when it is asked for several features.
   * @example
   * const explanation = await bank.explain(weekly.amount_l1w, { user_id: "ann" }, { asOf });
   * console.log(String(explanation));
   */
  explain<Row, Needs>(
    feature: Selection<Row, Needs>,
    keys: NoInfer<Needs>,
    options: Omit<MockQuestion, "metadata">,
  ): Promise<Explanation>;
}
