/** A process that is killed while it commits its serving log leaves a whole table. */
import { valueAt, type Value } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { startChildProgram } from "../src/child-programs.ts";
import { inFolder, realStores } from "../src/real-stores.ts";
import { ROWS_PER_COMMIT } from "../src/serving-log-child.ts";

const KILLS = 6;

test("kill -9 loses uncommitted rows only", { timeout: 120_000 }, async () => {
  await inFolder(async (folder) => {
    const told: number[] = [];
    for (let n = 0; n < KILLS; n++) {
      const child = startChildProgram("../../src/serving-log-child.ts", [folder]);
      let written = 0;
      const reached = new Promise<void>((resolve) => {
        child.onLine = (line) => {
          written = Number(line);
          if (written >= ROWS_PER_COMMIT * (2 + n)) resolve();
        };
      });
      await Promise.race([reached, child.ended]);
      // somewhere between two commits, or within one
      await new Promise((resolve) => {
        setTimeout(resolve, n * 3);
      });
      child.kill("SIGKILL");
      await child.ended;
      told.push(written);
    }
    const { offline } = realStores(folder);
    const rows = new Map<Value, number[]>();
    const columns = ["process", "sequence", "values"];
    for await (const { length, vectors } of offline.scan("serving-log/answers", { columns }))
      for (let i = 0; i < length; i++) {
        const [process, sequence, values] = vectors.map((vector) => valueAt(vector, i));
        expect(JSON.parse(values as string)).toEqual({ visits_1d: 0 });
        rows.set(process!, [...(rows.get(process!) ?? []), Number(sequence)]);
      }
    await offline.close();
    expect(rows.size).toBe(KILLS);
    const counts = [...rows.values()].map((sequences) => {
      // every row once, and whole commits
      const sorted = sequences.toSorted((a, b) => a - b);
      expect(sorted).toEqual(Array.from(sorted, (_, i) => i));
      expect(sorted.length % ROWS_PER_COMMIT).toBe(0);
      return sorted.length;
    });
    // what a process told to be committed is there, and at most one commit more
    const inOrder = counts.toSorted((a, b) => a - b);
    told
      .toSorted((a, b) => a - b)
      .forEach((least, n) => {
        expect(inOrder[n]).toBeGreaterThanOrEqual(least);
        expect(inOrder[n]).toBeLessThanOrEqual(least + ROWS_PER_COMMIT);
      });
  });
});
