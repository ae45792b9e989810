/** Reads a request for an explanation, and answers it from the history or from the online store. */
import { definitionOfKind } from "../define/definition.ts";
import { timeOf } from "../define/time-input.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import { TidemarkError } from "../errors.ts";
import type { OfflineReader } from "../offline/offline-reader.ts";
import type { OnlineReader } from "../online/online-reader.ts";
import {
  countOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "../option-checks.ts";
import { keyColumns, keysNeeded, keysReader } from "../request/entity-keys.ts";
import type { SelectedFeature } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { explainFeature, type ExplainQuestion, type ExplainSources } from "./explain-feature.ts";
import type { Explanation } from "./explain-types.ts";
import { historyRows } from "./history-rows.ts";
import type { LoggedRows } from "./logged-rows.ts";
import { maskingOption } from "./masking.ts";
import type { ExportedNames } from "./test-text.ts";

const OPTIONS: OptionNames = {
  names: new Set([
    "feature",
    "entity",
    "asOf",
    "knowledge",
    "from",
    "maxRows",
    "personal",
    "signal",
  ]),
  renamed: { features: "feature", entities: "entity", at: "asOf" },
};
const FROM = ["history", "online"] as const;
const ONLINE_FIRST = ["online", "history"] as const;
const KNOWLEDGE = ["as-known", "as-corrected"] as const;
/** How many rows are listed, at most, unless the request says it. */
const DEFAULT_ROWS = 100;
const MOST_ROWS = 100_000;
/** How often an online answer is explained again because the store was written meanwhile. */
const ATTEMPTS = 3;

/** A request, as JavaScript gives it. */
export interface ExplainInput {
  readonly feature?: unknown;
  readonly entity?: unknown;
  readonly asOf?: unknown;
  readonly knowledge?: unknown;
  readonly from?: unknown;
  readonly maxRows?: unknown;
  readonly personal?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What an explanation is made from. */
export interface ExplainerOptions {
  readonly exported: ExportedNames;
  readonly clock: () => number;
  /** Reads a selection, as other calls of the store do. */
  readonly selectionOf: (features: unknown, call: string) => readonly SelectedFeature[];
  readonly offline: { readonly store: OfflineStore; readonly reader: OfflineReader } | null;
  readonly online: {
    readonly reader: OnlineReader;
    readonly rows: (signal: AbortSignal | undefined) => LoggedRows;
    /** Waits for what an online read waits for. */
    readonly beforeRead: (selection: readonly SelectedFeature[]) => Promise<void>;
  } | null;
  /** The error of a store that is missing. */
  readonly missing: (call: string, role: "online" | "offline") => TidemarkError;
}

/** Makes the function that explains answers. */
export function storeExplainer(
  options: ExplainerOptions,
): (request: ExplainInput) => Promise<Explanation> {
  const { clock, exported, missing, offline, online, selectionOf } = options;

  return async (request) => {
    refuseUnknownOptions("explain", request, OPTIONS);
    const { signal } = request;
    signal?.throwIfAborted();
    const hasHistory = offline !== null || online === null;
    const from = wordOption("explain: from", request.from, hasHistory ? FROM : ONLINE_FIRST);
    const knowledge = wordOption("explain: knowledge", request.knowledge, KNOWLEDGE);
    if (from === "online" && request.knowledge === "as-known")
      throw new TidemarkError(
        "OPTION_INVALID",
        "explain: the online store knows rows as they stand, and not as they were known at a " +
          'time; leave knowledge out, or explain with from: "history"',
      );
    const selection = selectionOf(request.feature, "explain");
    const question: ExplainQuestion = {
      selected: onlyFeature(selection),
      keys: keysReader(selection).read(request.entity, 0),
      t: request.asOf === undefined ? clock() : timeOf(request.asOf, "explain: asOf"),
      knowledge: from === "online" ? "as-corrected" : knowledge,
      from,
      maxRows: countOption("explain: maxRows", request.maxRows, MOST_ROWS) ?? DEFAULT_ROWS,
      masking: maskingOption("explain: personal", request.personal),
      exported,
    };
    if (from === "history") {
      if (offline === null) throw missing("explain", "offline");
      return explainFeature(question, historySources(question, offline, signal));
    }
    if (online === null) throw missing("explain", "online");
    await online.beforeRead(selection);
    for (let attempt = 1; ; attempt++) {
      const explanation = await explainFeature(question, onlineSources(question, online, signal));
      if (explanation.isReproduced || attempt === ATTEMPTS) return explanation;
    }
  };
}

/**
 * Returns the only feature of a selection.
 *
 * @throws SELECTION_INVALID when there are several.
 */
export function onlyFeature(selection: readonly SelectedFeature[]): SelectedFeature {
  const [selected] = selection;
  if (selected !== undefined && selection.length === 1) return selected;
  throw new TidemarkError(
    "SELECTION_INVALID",
    `explain: an explanation is about one feature, and this selection has ${selection.length} ` +
      `(${selection.map(({ as }) => as).join(", ")}); give one of them, such as ` +
      `${selected?.view.name ?? "view"}.${selected?.feature.name ?? "feature"}`,
  );
}

/** Explains answers of the history. */
export function historySources(
  { keys, t }: Pick<ExplainQuestion, "keys" | "t">,
  { store, reader }: NonNullable<ExplainerOptions["offline"]>,
  signal?: AbortSignal,
): ExplainSources {
  return {
    logged: historyRows(store, signal),
    async answer(selection, knowledge) {
      const answers = await reader.read({
        selection,
        keys: keyColumns(keysNeeded(selection), [keys]),
        times: Float64Array.of(t),
        knowledge,
        since: null,
        workers: 0,
        signal,
      });
      return resultsOf(answers)[0]!;
    },
  };
}

function onlineSources(
  { keys, t }: ExplainQuestion,
  { reader, rows }: NonNullable<ExplainerOptions["online"]>,
  signal: AbortSignal | undefined,
): ExplainSources {
  return {
    logged: rows(signal),
    answer: async (selection) => (await reader.read({ selection, keys: [keys], t, signal }))[0]!,
  };
}

/** The names under which a module exports definitions. Default: those of sources and views. */
export function exportedNames(
  exports: { readonly [exported: string]: unknown },
  kinds: readonly ExportedKind[] = ["source", "view", "derived view"],
): ExportedNames {
  const names = new Map<string, string>();
  for (const [exported, value] of Object.entries(exports))
    for (const kind of kinds) {
      const name = definitionOfKind(value, kind)?.spec.name;
      if (name !== undefined && !names.has(name)) names.set(name, exported);
    }
  return names;
}

type ExportedKind = "source" | "view" | "derived view" | "service";
