/** Tests recorded topics with the conformance suite of change sources. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeSourceConformance } from "@tidemark/core/testing";
import { type RecordedMessage, type RecordedTopic, recordedTopic } from "@tidemark/source-debezium";
import { describe, test } from "vitest";
import { createdAnew, twoPartitions } from "../support/conformance.ts";
import { withoutWarnings } from "../support/fixtures.ts";
import { transactions } from "../support/sources.ts";

describe("recordedTopic", () => {
  changeSourceConformance({
    test: (name, run) => {
      test(name, run);
    },
    make: async () => {
      const folder = mkdtempSync(join(tmpdir(), "recorded-"));
      const recording = (name: string, some: readonly RecordedMessage[]): RecordedTopic => {
        const file = join(folder, `${name}.jsonl`);
        writeFileSync(file, some.map((message) => `${JSON.stringify(message)}\n`).join(""));
        return recordedTopic(file, { ...withoutWarnings, batchChanges: 7 });
      };
      return {
        sources: [transactions],
        count: 38,
        maxChanges: 7,
        source: () => recording("log", twoPartitions()),
        recreated: async () => recording("anew", createdAnew()),
        remove: async () => {
          rmSync(folder, { recursive: true });
        },
      };
    },
  });
});
