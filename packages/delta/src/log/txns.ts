/**
 * Keeps positions and metadata in Delta's `txn` actions.
 *
 * A position is a `txn` whose `appId` is the partition and whose `version` is the offset. In later
 * snapshot generations the `appId` is `<partition>#generation.<n>`.
 *
 * A checkpoint and a text of the metadata are texts, and a `txn` holds a number only. So a text is
 * several `txn`s: `<name>` has its length in bytes, `<name>.<i>` six bytes each. The name is
 * `<position>#checkpoint` or `#metadata/<key>`. The table's configuration survives too at writer
 * version 2. A `metaData` action in every commit would make every concurrent OPTIMIZE of Spark or
 * delta-rs fail, though.
 */
import { TidemarkError } from "@tidemark/core";
import type {
  Checkpoint,
  Metadata,
  MetadataStep,
  Position,
  PositionStep,
} from "@tidemark/core/spi";
import type { Txn } from "./actions.ts";

type Txns = ReadonlyMap<string, Txn>;

/** The steps of one commit. */
export interface TxnSteps {
  readonly positions: readonly PositionStep[];
  readonly metadata: readonly MetadataStep[];
}

const GENERATION = "#generation.";
const CHECKPOINT = "#checkpoint";
const METADATA = "#metadata/";
const TEXT = /#checkpoint(\.\d+)?$|^#metadata\//;
const BYTES = 6;

function positionId({ generation = 0, partition }: Pick<Position, "generation" | "partition">) {
  return generation === 0 ? partition : `${partition}${GENERATION}${generation}`;
}

export function positionsOf(table: string, txns: Txns): readonly Position[] {
  return [...txns.values()]
    .filter(({ appId }) => !TEXT.test(appId))
    .map(({ appId, version }): Position => {
      const [partition, generation] = appId.split(GENERATION) as [string, string?];
      const checkpoint = storedText(table, txns, `${appId}${CHECKPOINT}`);
      return {
        partition,
        ...(generation === undefined ? {} : { generation: Number(generation) }),
        offset: version,
        ...(checkpoint === null ? {} : { checkpoint: JSON.parse(checkpoint) as Checkpoint }),
      };
    });
}

export function metadataOf(table: string, txns: Txns): Metadata {
  const metadata = new Map<string, string>();
  for (const appId of txns.keys()) {
    if (!appId.startsWith(METADATA) || /#\.\d+$/.test(appId)) continue;
    const text = storedText(table, txns, appId);
    if (text !== null) metadata.set(appId.slice(METADATA.length, -1), text);
  }
  return metadata;
}

/** The last sign of the name tells a text of the metadata from its bytes. */
function metadataName(key: string): string {
  return `${METADATA}${key}#`;
}

/** @throws DELTA_LOG_DAMAGED when bytes of the text are missing. */
function storedText(table: string, txns: Txns, name: string): string | null {
  const length = txns.get(name)?.version ?? 0;
  if (length === 0) return null;
  const bytes = Buffer.alloc(Math.ceil(length / BYTES) * BYTES);
  for (let i = 0; i * BYTES < length; i++) {
    const chunk = txns.get(`${name}.${i}`);
    if (chunk === undefined)
      throw new TidemarkError(
        "DELTA_LOG_DAMAGED",
        `table "${table}": its log has no txn "${name}.${i}"; ` +
          "unset delta.setTransactionRetentionDuration, and restore the table from a backup",
      );
    bytes.writeUIntBE(chunk.version, i * BYTES, BYTES);
  }
  return bytes.toString("utf8", 0, length);
}

export function txnsOf(
  { positions, metadata }: TxnSteps,
  known: Txns,
  lastUpdated: number,
): readonly Txn[] {
  const txns: Txn[] = [];
  for (const step of positions) {
    const appId = positionId(step);
    txns.push({ appId, version: step.next, lastUpdated });
    const name = `${appId}${CHECKPOINT}`;
    if (step.checkpoint !== undefined || known.has(name)) {
      const text = step.checkpoint === undefined ? "" : JSON.stringify(step.checkpoint);
      txns.push(...textTxns(name, text, known, lastUpdated));
    }
  }
  for (const { key, next } of metadata)
    txns.push(...textTxns(metadataName(key), next, known, lastUpdated));
  return txns;
}

/** The length of a text, and those of its bytes that change. */
function textTxns(name: string, text: string, known: Txns, lastUpdated: number): readonly Txn[] {
  const bytes = Buffer.from(text);
  const txns: Txn[] = [{ appId: name, version: bytes.length, lastUpdated }];
  for (let at = 0; at < bytes.length; at += BYTES) {
    const chunk = Buffer.alloc(BYTES);
    bytes.copy(chunk, 0, at);
    const appId = `${name}.${at / BYTES}`;
    const version = chunk.readUIntBE(0, BYTES);
    if (known.get(appId)?.version !== version) txns.push({ appId, version, lastUpdated });
  }
  return txns;
}

/**
 * Checks that each step begins where the table stands. Any other step would lose or repeat changes
 * (law 5: position and effect are committed together).
 */
export function stepsFit(table: string, { positions, metadata }: TxnSteps, txns: Txns): boolean {
  return (
    positions.every((step) => (txns.get(positionId(step))?.version ?? null) === step.expected) &&
    metadata.every(({ key, expected }) => storedText(table, txns, metadataName(key)) === expected)
  );
}

/** The `appId`s by which a commit shows that it moved one of these. */
export function txnIds({ positions, metadata }: TxnSteps): ReadonlySet<string> {
  return new Set([...positions.map(positionId), ...metadata.map(({ key }) => metadataName(key))]);
}
