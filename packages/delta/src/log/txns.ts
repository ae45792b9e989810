/**
 * Keeps positions and metadata in Delta's `txn` actions.
 *
 * A position is a `txn` whose `appId` is the partition and whose `version` is the offset. In later
 * snapshot generations the `appId` is `<partition>#generation.<n>`.
 *
 * A checkpoint and a text of the metadata are texts, and a `txn` holds a number only. So a text is
 * several `txn`s: `<name>` has its length in bytes, `<name>.<i>` six bytes each. The name is
 * `<position>#checkpoint` or `#metadata/<key>#`. The table's configuration survives too at writer
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

const GENERATION_MARKER = "#generation.";
const CHECKPOINT_SUFFIX = "#checkpoint";
const METADATA_PREFIX = "#metadata/";
const TEXT_NAME = /#checkpoint(\.\d+)?$|^#(?:metadata\/|files$|rows$)/;
const BYTES_PER_TXN = 6;

function positionId({ generation = 0, partition }: Pick<Position, "generation" | "partition">) {
  return generation === 0 ? partition : `${partition}${GENERATION_MARKER}${generation}`;
}

export function positionsOf(table: string, txns: Txns): readonly Position[] {
  return [...txns.values()]
    .filter(({ appId }) => !TEXT_NAME.test(appId))
    .map(({ appId, version }): Position => {
      const [partition, generation] = appId.split(GENERATION_MARKER) as [string, string?];
      const checkpoint = storedText(table, txns, `${appId}${CHECKPOINT_SUFFIX}`);
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
    if (!appId.startsWith(METADATA_PREFIX) || /#\.\d+$/.test(appId)) continue;
    const text = storedText(table, txns, appId);
    if (text !== null) metadata.set(appId.slice(METADATA_PREFIX.length, -1), text);
  }
  return metadata;
}

/** The last sign of the name tells a text of the metadata from its bytes. */
function metadataName(key: string): string {
  return `${METADATA_PREFIX}${key}#`;
}

/** @throws DELTA_LOG_DAMAGED when bytes of the text are missing. */
function storedText(table: string, txns: Txns, name: string): string | null {
  const length = txns.get(name)?.version ?? 0;
  if (length === 0) return null;
  const bytes = Buffer.alloc(Math.ceil(length / BYTES_PER_TXN) * BYTES_PER_TXN);
  for (let i = 0; i * BYTES_PER_TXN < length; i++) {
    const chunk = txns.get(`${name}.${i}`);
    if (chunk === undefined)
      throw new TidemarkError(
        "DELTA_LOG_DAMAGED",
        `table "${table}": its log has no txn "${name}.${i}"; ` +
          "unset delta.setTransactionRetentionDuration, and put the table's directory back " +
          "from a copy of the lake",
      );
    bytes.writeUIntBE(chunk.version, i * BYTES_PER_TXN, BYTES_PER_TXN);
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
    const name = `${appId}${CHECKPOINT_SUFFIX}`;
    if (step.checkpoint !== undefined || known.has(name)) {
      const text = step.checkpoint === undefined ? "" : JSON.stringify(step.checkpoint);
      txns.push(...textTxns(name, text, known, lastUpdated));
    }
  }
  for (const { key, expected, next } of metadata)
    if (next !== null && next !== expected)
      txns.push(...textTxns(metadataName(key), next, known, lastUpdated));
  return txns;
}

/** Makes the `txn`s of a text: its length, and the bytes that change. */
function textTxns(name: string, text: string, known: Txns, lastUpdated: number): readonly Txn[] {
  const bytes = Buffer.from(text);
  const txns: Txn[] = [{ appId: name, version: bytes.length, lastUpdated }];
  for (let at = 0; at < bytes.length; at += BYTES_PER_TXN) {
    const chunk = Buffer.alloc(BYTES_PER_TXN);
    bytes.copy(chunk, 0, at);
    const appId = `${name}.${at / BYTES_PER_TXN}`;
    const version = chunk.readUIntBE(0, BYTES_PER_TXN);
    if (known.get(appId)?.version !== version) txns.push({ appId, version, lastUpdated });
  }
  return txns;
}

/**
 * Checks that each step begins where the table stands. Any other step would lose or repeat changes
 * (law 5: position and effect are committed together).
 */
export function stepsMatch(table: string, { positions, metadata }: TxnSteps, txns: Txns): boolean {
  return (
    positions.every((step) => (txns.get(positionId(step))?.version ?? null) === step.expected) &&
    metadata.every(({ key, expected }) => storedText(table, txns, metadataName(key)) === expected)
  );
}

/** The `appId`s by which a commit shows that it moved one of these. */
export function txnIds({ positions, metadata }: TxnSteps): ReadonlySet<string> {
  const written = metadata.filter(({ expected, next }) => next !== expected);
  return new Set([...positions.map(positionId), ...written.map(({ key }) => metadataName(key))]);
}
