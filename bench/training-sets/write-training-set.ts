/** Writes a training set of a bench view, as `tidemark training-set` does. */
import { collectDefinitions, type Knowledge, type Store } from "@tidemark/core";
import type { HistoricalFileResult } from "@tidemark/core/internal";
import { featuresOfService } from "../../packages/cli/src/input/named-features.ts";
import { trainingSetFile } from "../../packages/cli/src/training-set/training-set-file.ts";
import { benchViews } from "./views.ts";

/** Computes a training set from a file of labels to the file `out`. */
export function writeTrainingSet(
  store: Store,
  options: {
    readonly view: string;
    readonly entities: string;
    readonly out: string;
    readonly knowledge: Knowledge;
    readonly memoryLimit?: number | undefined;
    readonly workers?: number | undefined;
  },
): Promise<HistoricalFileResult> {
  const { view, ...files } = options;
  return trainingSetFile(store, {
    ...files,
    features: featuresOfService(view, collectDefinitions(benchViews), import.meta.filename),
    force: true,
    beforeHistory: "empty",
    zone: null,
    timeUnit: null,
    signal: new AbortController().signal,
    onRows: () => undefined,
    onWarning: (message) => {
      console.error(message);
    },
  });
}
