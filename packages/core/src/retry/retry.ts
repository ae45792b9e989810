/**
 * Decodes the undecodable messages that the history keeps once more, and writes their changes into
 * the stores (law 11: what was not taken can be taken later).
 */
import { TidemarkError } from "../errors.ts";
import { runChanges, type RunSettings } from "../ingest/runner.ts";
import { generationRun } from "../resnapshot/generation-run.ts";
import { storedGenerations } from "../resnapshot/generation-stores.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import { NotTakenCounts, type NotTaken } from "../ingest/not-taken.ts";
import { originalPlace } from "../rows/retried.ts";
import { partitionOf, positionsOfGeneration } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource, OfflineStore, Position } from "../spi.ts";
import { keptMessages, placeKey, retriedMessages } from "./kept-messages.ts";
import { retrySource } from "./retry-source.ts";

/** What a retry did. */
export interface RetryResult {
  /** The kept messages that no earlier retry took. */
  readonly messages: number;
  /** The messages that can be read now. Their changes are in the stores. */
  readonly taken: number;
  /** The messages that still give no change. Their bytes stay. */
  readonly notTaken: readonly NotTaken[];
}

export interface RetrySettings extends RunSettings {
  /** Decodes the messages and writes nothing. */
  readonly dryRun: boolean;
}

/** Retries the kept messages of each source. */
export async function retryKept(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  options: WriterOptions & { readonly offline: OfflineStore },
  settings: RetrySettings,
): Promise<RetryResult> {
  if (from.decodeKept === undefined)
    throw new TidemarkError(
      "RETRY_UNSUPPORTED",
      `retry: ${from.name} has no decodeKept, so it cannot decode kept messages; pass the change ` +
        "source that read them, such as kafkaChanges or recordedTopic",
    );
  let [messages, taken] = [0, 0];
  const notTaken = new NotTakenCounts();
  for (const source of sources) {
    const result = await retrySourceOf(from, source, options, settings);
    messages += result.messages;
    taken += result.taken;
    for (const one of result.notTaken) notTaken.add(one);
  }
  return { messages, taken, notTaken: notTaken.list() };
}

async function retrySourceOf(
  from: ChangeSource,
  source: SourceSpec,
  options: WriterOptions & { readonly offline: OfflineStore },
  settings: RetrySettings,
): Promise<RetryResult> {
  const { offline, online } = options;
  const { signal } = settings;
  const { generation } = await storedGenerations(source, { ...options, signal });
  const reached = online === undefined ? null : await online.positions(source.name);
  const earlier = await earlierRetries(source, { offline, reached, generation, signal });
  const notTaken = new NotTakenCounts();
  let messages = 0;
  const kept = retrySource(keptMessages(source, { offline, signal }), {
    source,
    ...earlier,
    generation,
    isReached: (message) =>
      online === undefined || message.offset <= (earlier.online.get(partitionOf(message)) ?? -1),
    decode: (those) => from.decodeKept!(those, { sources: [source] }),
    notTaken,
    onMessage: () => {
      messages++;
    },
  });
  if (settings.dryRun) {
    let taken = 0;
    for await (const batch of kept.changes({ sources: [source], after: [], signal }))
      taken += batch.changes.length;
    return { messages, taken, notTaken: notTaken.list() };
  }
  const run = await generationRun(kept, [source], options, signal);
  const result = await runChanges(run.changes, [source], run.stores, {
    ...settings,
    partOfLog: true,
  });
  for (const one of result.notTaken) notTaken.add(one);
  return { messages, taken: result.changes, notTaken: notTaken.list() };
}

interface EarlierRetries {
  /** The places of the messages that were taken. */
  readonly taken: ReadonlySet<string>;
  /** The offset that the online store has reached, by partition. */
  readonly online: ReadonlyMap<string, number>;
  /** The number of the next retry. */
  readonly retry: number;
}

/**
 * Finds what earlier retries took. A message that only the history took is retried: the retry was
 * killed between the two stores.
 */
async function earlierRetries(
  source: SourceSpec,
  {
    offline,
    reached,
    generation,
    signal,
  }: {
    readonly offline: OfflineStore;
    readonly reached: readonly Position[] | null;
    readonly generation: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<EarlierRetries> {
  const taken = new Set<string>();
  const online = new Map(
    positionsOfGeneration(generation, reached ?? []).map((one) => [one.partition, one.offset]),
  );
  let retry = 0;
  for (const { partition } of reached ?? [])
    retry = Math.max(
      retry,
      originalPlace({ topic: partition, partition: 0, offset: 0 })?.retry ?? 0,
    );
  for await (const { place, retried } of retriedMessages(source, { offline, signal })) {
    retry = Math.max(retry, originalPlace(retried)!.retry);
    const partition = partitionOf(retried);
    if (reached === null || retried.offset <= (online.get(partition) ?? -1))
      taken.add(placeKey(place));
  }
  return { taken, online, retry: retry + 1 };
}
