/**
 * Keeps positions of a log in Delta's `txn` actions: `appId` is the partition, `version` the
 * offset.
 *
 * A checkpoint state is text, and a `txn` holds only a number. The text lies in further `txn`s:
 * `<partition>#mark` holds its length in bytes, and `<partition>#mark.<i>` six bytes each. At
 * writer version 2 only the table's configuration survives a checkpoint too. But a `metaData`
 * action in every commit would make each concurrent OPTIMIZE of Spark or delta-rs fail.
 */
import type { Position, PositionStep } from "@tidemark/core/spi";
import type { Txn } from "./actions.ts";

const MARK = /#mark(\.\d+)?$/;
const BYTES = 6;

export function positionsOf(txns: ReadonlyMap<string, Txn>): readonly Position[] {
  const positions: Position[] = [];
  for (const { appId, version } of txns.values()) {
    if (MARK.test(appId)) continue;
    const length = txns.get(`${appId}#mark`)?.version ?? 0;
    if (length === 0) {
      positions.push({ partition: appId, offset: version });
      continue;
    }
    const bytes = Buffer.alloc(Math.ceil(length / BYTES) * BYTES);
    for (let i = 0; i * BYTES < length; i++)
      bytes.writeUIntBE(txns.get(`${appId}#mark.${i}`)?.version ?? 0, i * BYTES, BYTES);
    positions.push({
      partition: appId,
      offset: version,
      checkpoint: bytes.toString("utf8", 0, length),
    });
  }
  return positions;
}

export function txnsOf(
  steps: readonly PositionStep[],
  known: ReadonlyMap<string, Txn>,
  lastUpdated: number,
): Txn[] {
  const txns: Txn[] = [];
  for (const { partition, next, checkpoint } of steps) {
    txns.push({ appId: partition, version: next, lastUpdated });
    if (checkpoint === undefined && !known.has(`${partition}#mark`)) continue;
    const bytes = Buffer.from(checkpoint ?? "");
    txns.push({ appId: `${partition}#mark`, version: bytes.length, lastUpdated });
    for (let at = 0; at < bytes.length; at += BYTES) {
      const chunk = Buffer.alloc(BYTES);
      bytes.copy(chunk, 0, at);
      txns.push({
        appId: `${partition}#mark.${at / BYTES}`,
        version: chunk.readUIntBE(0, BYTES),
        lastUpdated,
      });
    }
  }
  return txns;
}

/**
 * Checks that each step begins where the table stands. Any other step would lose or repeat changes
 * (law 5: position and effect are committed together).
 */
export function stepsFit(steps: readonly PositionStep[], txns: ReadonlyMap<string, Txn>): boolean {
  return steps.every((step) => (txns.get(step.partition)?.version ?? null) === step.expected);
}
