import { fraud, weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { expect, test } from "vitest";
import { valueAt } from "../../src/columns/batch.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import { openStore } from "../../src/index.ts";
import type {
  Batch,
  ComputeEngine,
  EngineTask,
  Events,
  OfflineStore,
  ScanNode,
  Value,
} from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

const END = Date.parse("2025-03-10T00:00:00Z") * 1000;

/** An engine that never takes the events: it reads the tables that its task names. */
function readingEngine(offline: OfflineStore, tasks: EngineTask[]): ComputeEngine {
  return {
    name: "reading engine",
    async compute(task, { keys }) {
      tasks.push(task);
      const { input: rows, entity } = task.plan.input;
      const { columns } = rows as ScanNode;
      const names = entity.keys.map(({ name }) => name);
      const numbers = numbersOf(keys(), names);
      async function* events(): AsyncIterable<Events> {
        for (const { source, versions } of task.tables) {
          const time = source.eventTime.kind === "column" ? source.eventTime.column : "";
          const own = [...columns.map(({ name }) => name), entity.keys[0]!.column, time];
          const scanned = [...own, "_known_from", "_known_to"];
          const { table, version } = versions!;
          for await (const batch of offline.scan(table, { columns: scanned, version })) {
            const { length, vectors } = batch;
            const value = (name: string, i: number): Value =>
              valueAt(vectors[scanned.indexOf(name)]!, i);
            const times = (name: string, missing: number): Float64Array =>
              Float64Array.from({ length }, (_, i) => Number(value(name, i) ?? missing));
            yield {
              length,
              entity: Int32Array.from(
                { length },
                (_, i) => numbers.get(String(value(entity.keys[0]!.column, i))) ?? -1,
              ),
              time: times(time, NaN),
              from: times("_known_from", -Infinity),
              to: times("_known_to", Infinity),
              columns: { length, columns, vectors: vectors.slice(0, columns.length) },
            };
          }
        }
      }
      return localEngine().compute(task, { events, keys });
    },
  };
}

function numbersOf(keys: Batch, names: readonly string[]): ReadonlyMap<string, number> {
  expect(keys.columns.map(({ name }) => name)).toEqual(names);
  return new Map(
    Array.from({ length: keys.length }, (_, key) => [String(valueAt(keys.vectors[0]!, key)), key]),
  );
}

test("an engine may read the tables that its task names, and answers alike", async () => {
  const offline = memoryOfflineStore();
  const rows = transactionRows({ users: 7, events: 300, end: END });
  const filled = await openStore({ definitions: { weekly }, offline });
  await filled.run(transactionSource(rows));
  await filled.compact();
  const entities = Array.from({ length: 40 }, (_, i) => ({
    user_id: userName(i % 9),
    event_timestamp: new Date((END - (i % 5) * 86_400_000_000) / 1000),
  }));
  const tasks: EngineTask[] = [];
  const answers = async (engine?: ComputeEngine): Promise<unknown> => {
    const store = await openStore({
      definitions: { weekly, fraud },
      offline,
      ...(engine === undefined ? {} : { engine }),
    });
    const training = await store.getHistoricalFeatures({
      features: fraud,
      entities,
      knowledge: "as-known",
    });
    return training.rows();
  };
  expect(await answers(readingEngine(offline, tasks))).toEqual(await answers());
  expect(tasks).toHaveLength(1);
  const [{ tables, knowledge }] = tasks as [EngineTask];
  expect(knowledge).toBe("as-known");
  const [{ source, log, versions }] = tables as [EngineTask["tables"][number]];
  expect(tables).toHaveLength(1);
  expect(source.name).toBe("transactions");
  expect([log.table, versions?.table]).toEqual(["transactions/changes", "transactions/versions"]);
  expect((await offline.state(log.table))!.version).toBe(log.version);
  // plain data: it survives a copy to another thread
  expect(structuredClone(tasks[0])).toEqual(tasks[0]);
});
