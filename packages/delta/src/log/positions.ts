/**
 * Keeps positions of a log in Delta's `txn` actions: `appId` is the partition, `version` the
 * offset.
 *
 * A position's checkpoint is JSON text, and a `txn` holds a number only. The text is stored in
 * further `txn`s: `<partition>#checkpoint` has its length in bytes, `<partition>#checkpoint.<i>`
 * six bytes each. The table's configuration survives too at writer version 2. A `metaData` action
 * in every commit would make every concurrent OPTIMIZE of Spark or delta-rs fail, though.
 */
import type { Checkpoint, Position, PositionStep } from "@tidemark/core/spi";
import type { Txn } from "./actions.ts";

const CHECKPOINT = /#checkpoint(\.\d+)?$/;
const BYTES = 6;

export function positionsOf(txns: ReadonlyMap<string, Txn>): readonly Position[] {
  const positions: Position[] = [];
  for (const { appId, version } of txns.values()) {
    if (CHECKPOINT.test(appId)) continue;
    const length = txns.get(`${appId}#checkpoint`)?.version ?? 0;
    if (length === 0) {
      positions.push({ partition: appId, offset: version });
      continue;
    }
    const bytes = Buffer.alloc(Math.ceil(length / BYTES) * BYTES);
    for (let i = 0; i * BYTES < length; i++)
      bytes.writeUIntBE(txns.get(`${appId}#checkpoint.${i}`)?.version ?? 0, i * BYTES, BYTES);
    positions.push({
      partition: appId,
      offset: version,
      checkpoint: JSON.parse(bytes.toString("utf8", 0, length)) as Checkpoint,
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
    if (checkpoint === undefined && !known.has(`${partition}#checkpoint`)) continue;
    const bytes = Buffer.from(checkpoint === undefined ? "" : JSON.stringify(checkpoint));
    txns.push({ appId: `${partition}#checkpoint`, version: bytes.length, lastUpdated });
    for (let at = 0; at < bytes.length; at += BYTES) {
      const chunk = Buffer.alloc(BYTES);
      bytes.copy(chunk, 0, at);
      txns.push({
        appId: `${partition}#checkpoint.${at / BYTES}`,
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
