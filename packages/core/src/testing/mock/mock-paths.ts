/** The online path and the path of training sets, over the changes of a mock store. */
import { explainFeature } from "../../explain/explain-feature.ts";
import type { Explanation } from "../../explain/explain-types.ts";
import { historySources, onlyFeature } from "../../explain/explainer.ts";
import { nothingMasked } from "../../explain/masking.ts";
import type { ExportedNames } from "../../explain/test-text.ts";
import { historyContext } from "../../offline/history-context.ts";
import { resultsOf } from "../../engine/engine-columns.ts";
import { localEngine } from "../../engine/local-engine.ts";
import { changesToBatches } from "../../offline/change-log.ts";
import { compactHistory } from "../../offline/compaction.ts";
import { openOfflineReader } from "../../offline/offline-reader.ts";
import { onlineReader } from "../../online/online-reader.ts";
import { onlineWriter, type OnlineWriter } from "../../online/online-writer.ts";
import { layoutFor } from "../../online/source-state.ts";
import { keyColumns, keysNeeded, type KeyValues } from "../../request/entity-keys.ts";
import type { Knowledge } from "../../request/request-types.ts";
import type { SelectedFeature, ViewSpec } from "../../specs.ts";
import type { ResultColumns } from "../../spi.ts";
import { memoryOfflineStore } from "../memory-offline.ts";
import { memoryOnlineStore } from "../memory-online.ts";
import { loggedChange, type MockLog, type MockRowChange } from "./mock-log.ts";

/** A question about one entity. */
export interface MockAsked {
  readonly selection: readonly SelectedFeature[];
  readonly keys: KeyValues;
  readonly t: number;
  readonly knowledge: Knowledge;
}

/** One way to an answer. */
export interface MockPath {
  /** Brings the changes of a source up to this number. */
  apply(log: MockLog, count: number): Promise<void>;
  answer(asked: MockAsked): Promise<readonly ResultColumns[]>;
}

const NAMESPACE = "mock";
const PARTITION = "mock:0";

/** Gives the changes that a store does not have yet, with the step of its position. */
function newChanges(log: MockLog, changes: readonly MockRowChange[], from: number) {
  const { source } = log;
  return {
    changes: changes.slice(from).map((change, i) => loggedChange(source.name, change, from + i)),
    step: {
      partition: PARTITION,
      expected: from === 0 ? null : from - 1,
      next: changes.length - 1,
    },
  };
}

/** Makes an online store in memory. It keeps everything, so that no question is too old. */
export async function onlinePath(views: readonly ViewSpec[]): Promise<
  MockPath & {
    /** Applies a list of changes. */
    applyChanges(log: MockLog, changes: readonly MockRowChange[]): Promise<void>;
  }
> {
  const store = memoryOnlineStore();
  await store.open({ namespace: NAMESPACE });
  const writers = new Map<string, OnlineWriter>();
  const applied = new Map<string, number>();
  const reader = onlineReader({
    store,
    namespace: NAMESPACE,
    views,
    rules: { serveWhileFilling: true, isPushLevel: () => true },
    onOverflow: () => undefined,
  });

  async function writerOf({ source }: MockLog): Promise<OnlineWriter> {
    let writer = writers.get(source.name);
    if (writer === undefined) {
      writer = await onlineWriter({
        store,
        namespace: NAMESPACE,
        layout: layoutFor(source, views),
        clock: () => 0,
        retention: { retain: Infinity, logRetention: Infinity },
      });
      writers.set(source.name, writer);
    }
    return writer;
  }

  async function applyChanges(log: MockLog, all: readonly MockRowChange[]): Promise<void> {
    const from = applied.get(log.source.name) ?? 0;
    if (all.length <= from) return;
    const { changes, step } = newChanges(log, all, from);
    await (await writerOf(log)).apply(changes, [step]);
    applied.set(log.source.name, all.length);
  }

  return {
    applyChanges,
    apply: (log, count) => applyChanges(log, log.changes.slice(0, count)),
    answer: ({ selection, keys, t }) => reader.read({ selection, keys: [keys], t }),
  };
}

/** Makes an offline store in memory. */
export function trainingPath(): MockPath & {
  /** Explains the answer to the only feature of a question. */
  explain(asked: MockAsked, exported: ExportedNames): Promise<Explanation>;
} {
  const store = memoryOfflineStore();
  const reader = openOfflineReader(store, localEngine());
  const applied = new Map<string, number>();
  return {
    async apply(log, count) {
      const { source } = log;
      const from = applied.get(source.name) ?? 0;
      if (count <= from) return;
      const { changes, step } = newChanges(log, log.changes.slice(0, count), from);
      const context = historyContext(store, source);
      // what earlier questions saw is compacted, so that answers merge versions and the log tail
      if (from > 0) await compactHistory(context, { buckets: 1 });
      await store.append(context.tables.changes, await changesToBatches(source, changes), {
        positions: [step],
      });
      applied.set(source.name, count);
    },
    async answer({ selection, keys, t, knowledge }) {
      const answers = await reader.read({
        selection,
        keys: keyColumns(keysNeeded(selection), [keys]),
        times: Float64Array.of(t),
        knowledge,
        since: null,
      });
      return resultsOf(answers);
    },
    explain({ selection, keys, t, knowledge }, exported) {
      const question = {
        selected: onlyFeature(selection),
        keys,
        t,
        knowledge,
        from: "history" as const,
        maxRows: Infinity,
        masking: nothingMasked,
        exported,
      };
      return explainFeature(question, historySources(question, { store, reader }));
    },
  };
}
