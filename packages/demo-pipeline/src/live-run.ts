/** Runs the stream in the background, and waits for its progress. */
import { isTidemarkError, type Store } from "@tidemark/core";
import { connectorStatus, kafkaChanges, type KafkaChanges } from "@tidemark/source-debezium";
import { setTimeout as sleep } from "node:timers/promises";
import { integer } from "./print.ts";
import type { Progress } from "./progress.ts";

export interface LiveRun {
  /**
   * Waits until this many messages were taken in all and Kafka has no more, and shows the progress.
   */
  waitUntilTaken(messages: number, bar?: Progress, from?: number): Promise<void>;
  /** Stops the run as Ctrl-C would. */
  stop(): Promise<void>;
}

export interface LiveRunOptions {
  readonly store: Store;
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
  readonly connector: { readonly url: string; readonly name: string };
  readonly signal?: AbortSignal | undefined;
}

/**
 * The seconds without a new message after which the connector is checked; the limit after which the
 * demo gives up follows.
 */
const CHECK_CONNECTOR_AFTER = 10;
const GIVE_UP_AFTER = 120;

/**
 * Starts the run after the connector has made its topics, which happens with the first row of each
 * table.
 */
export async function liveRun({
  store,
  brokers,
  topics,
  connector,
  signal,
}: LiveRunOptions): Promise<LiveRun> {
  const stopped = new AbortController();
  const ending = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]);
  let source: KafkaChanges | null = null;
  let taken = 0;
  const attempt = async (): Promise<void> => {
    for (;;) {
      source = kafkaChanges({ brokers, topics, batchMessages: 1_000 });
      try {
        await store.run(source, {
          signal: ending,
          onProgress: ({ changes }) => {
            taken = changes;
          },
        });
        return;
      } catch (error) {
        if (!isTidemarkError(error, "TOPIC_NOT_FOUND")) throw error;
        await sleep(250, undefined, { signal: ending });
      }
    }
  };
  let failure: unknown = null;
  const running = attempt().catch((error: unknown) => {
    failure = error;
  });

  return {
    async waitUntilTaken(messages, bar, from = 0) {
      for (let since = performance.now(), before = taken, asked = 0; ;) {
        if (failure !== null) throw failure;
        const lag = source?.lag() ?? [];
        const behind = lag.reduce((sum, one) => sum + one.lag, 0);
        bar?.at(taken - from, `lag ${integer(behind)}`);
        if (taken >= messages && lag.length === topics.length && behind === 0) {
          // the run looks twice a second whether its sources are level with the log
          if ((await store.readiness()).every(({ isReady }) => isReady)) return;
        }
        if (taken !== before) [since, before, asked] = [performance.now(), taken, 0];
        const idle = (performance.now() - since) / 1000;
        if (idle > CHECK_CONNECTOR_AFTER && asked === 0) {
          asked = 1;
          const status = await connectorStatus({ ...connector, signal });
          const trace =
            status === null
              ? "it is gone"
              : [status, ...status.tasks].find(({ state }) => state === "FAILED")?.trace;
          if (trace != null)
            throw new Error(`demo: connector ${connector.name} has failed: ${trace}`);
        }
        if (idle > GIVE_UP_AFTER)
          throw new Error(
            `demo: ${integer(taken)} of ${integer(messages)} messages came, ` +
              `and none for ${GIVE_UP_AFTER} s; look at the connector ${connector.name}`,
          );
        await sleep(20, undefined, { signal });
      }
    },
    async stop() {
      stopped.abort();
      await running;
      if (failure !== null && (failure as Error).name !== "AbortError") throw failure;
    },
  };
}
