/** Reads what is below log tails: nodes level by level, as far as a request needs them. */
import type { Accumulator } from "../../aggregate/aggregator.ts";
import type { OnlineStore } from "../../spi.ts";
import type { OpenedTail, SegmentRef } from "../entity-log-cells.ts";
import type { EntityLog } from "../entity-logs.ts";
import type { Value } from "../../specs.ts";
import type { BlockNeed, RowBlock } from "../../window/row-blocks.ts";
import { decodeNode, openNode, type NodeRef, type OpenNode } from "./node-cells.ts";

/**
 * What a request needs of the rows below a reference. `isTied`: the first or the last row has the
 * event time of a row beside them.
 */
export interface TreeCover {
  /** The names of the states that it looks for. */
  readonly names: readonly string[];
  needs(block: RowBlock, ref: NodeRef, isTied: boolean): BlockNeed;
}

/** What is needed of the reference of a node, with the block that it is. */
interface Decided {
  readonly need: BlockNeed;
  readonly block: RowBlock;
}

/** The tree of one entity log that is read. */
export interface TreeRequest {
  readonly entityLog: EntityLog;
  readonly key: readonly Value[];
  readonly tail: Pick<OpenedTail, "segments" | "root"> & { readonly version: number };
  /** Rows before this time are not needed, µs. */
  readonly notBefore: number;
  /** null: the rows are needed. */
  readonly cover: TreeCover | null;
  /** The time of the first row of the log tail; Infinity: it has none. */
  readonly tailFirst: number;
}

/** What is below a log tail, oldest first: segments whose rows are needed, and states. */
export type TreePart =
  | { readonly segment: SegmentRef; readonly block: null }
  | { readonly segment: null; readonly block: RowBlock };

/**
 * Reads the nodes below log tails. null: a node was replaced after its log tail was read, and the
 * log tails must be read again.
 */
export async function readTrees(
  store: OnlineStore,
  requests: readonly TreeRequest[],
): Promise<readonly (readonly TreePart[])[] | null> {
  const read = requests.map(() => new Map<number, OpenNode>());
  const decided = requests.map(() => new Map<OpenNode, readonly Decided[]>());
  for (;;) {
    const needed: { readonly i: number; readonly id: number }[] = [];
    const parts = requests.map((request, i) =>
      partsOf(request, decided[i]!, (id) => {
        const node = read[i]!.get(id);
        if (node === undefined) needed.push({ i, id });
        return node;
      }),
    );
    if (needed.length === 0) return parts;
    const cells = await store.read(
      needed.map(({ i, id }) => requests[i]!.entityLog.node(requests[i]!.key, id)),
    );
    for (const [n, { i, id }] of needed.entries()) {
      const cell = cells[n] ?? null;
      // one with a newer version than its log tail is of another file
      if (cell === null || cell.version > requests[i]!.tail.version) return null;
      read[i]!.set(id, openNode(cell.value));
    }
  }
}

/** The parts of a tree, as far as its nodes are known. */
function partsOf(
  { tail: { root, segments }, notBefore, cover, tailFirst }: TreeRequest,
  decided: Map<OpenNode, readonly Decided[]>,
  nodeOf: (id: number) => OpenNode | undefined,
): readonly TreePart[] {
  const parts: TreePart[] = [];
  if (root === null) {
    for (const segment of segments)
      if (segment.last >= notBefore) parts.push({ segment, block: null });
    return parts;
  }
  if (root.last < notBefore) return parts;
  const node = nodeOf(root.id);
  if (node !== undefined) addParts(node, -Infinity, tailFirst);
  return parts;

  function addParts(node: OpenNode, before: number, after: number): void {
    const { refs } = node;
    let needs = decided.get(node);
    if (cover !== null && needs === undefined)
      decided.set(node, (needs = decide(node, cover, before, after)));
    for (let r = 0; r < refs.length; r++) {
      const ref = refs[r]!;
      if (ref.last < notBefore) continue;
      if (needs !== undefined) {
        const { need, block } = needs[r]!;
        if (need === "states") parts.push({ segment: null, block });
        if (need !== "rows") continue;
      }
      if (ref.level === 0) parts.push({ segment: ref, block: null });
      else {
        const below = nodeOf(ref.id);
        if (below !== undefined) addParts(below, ...besideOf(refs, r, before, after));
      }
    }
  }
}

/** Decides what is needed of each reference of a node. */
function decide(
  node: OpenNode,
  cover: TreeCover,
  before: number,
  after: number,
): readonly Decided[] {
  const { refs } = node;
  const indexes = cover.names.map(node.indexOf);
  return refs.map((ref, r) => {
    const [previous, next] = besideOf(refs, r, before, after);
    const block = new NodeBlock(node, r, indexes);
    const isTied = ref.first === previous || ref.last === next;
    return { need: cover.needs(block, ref, isTied), block };
  });
}

/** The times of the rows beside those below a reference. */
function besideOf(
  refs: readonly NodeRef[],
  r: number,
  before: number,
  after: number,
): readonly [previous: number, next: number] {
  return [r === 0 ? before : refs[r - 1]!.last, r === refs.length - 1 ? after : refs[r + 1]!.first];
}

/** The rows below a reference of a node. */
class NodeBlock implements RowBlock {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  private readonly node: OpenNode;
  private readonly r: number;
  /** For each state of the plan its index in the node; −1: the node has none. */
  private readonly indexes: readonly number[];

  constructor(node: OpenNode, r: number, indexes: readonly number[]) {
    ({ first: this.first, last: this.last, count: this.count } = node.refs[r]!);
    this.node = node;
    this.r = r;
    this.indexes = indexes;
  }

  has(n: number): boolean {
    return this.node.has(this.r, this.indexes[n]!);
  }

  mergeInto(state: unknown, accumulator: Accumulator, n: number): void {
    const { node, r } = this;
    const index = this.indexes[n]!;
    if (accumulator.mergeEncoded !== undefined)
      accumulator.mergeEncoded(state, node.readerAt(r, index));
    else accumulator.merge(state, accumulator.decode(node.state(r, index)!));
  }

  newest(n: number): number {
    return this.node.readerAt(this.r, this.indexes[n]!).float64();
  }
}

/**
 * Returns the keys of all cells below a log tail. What is below a node that is not there any more
 * has expired, or another writer has moved it and changed the log tail.
 */
export async function cellsBelow(
  store: OnlineStore,
  entityLog: EntityLog,
  key: readonly Value[],
  { segments, root }: Pick<OpenedTail, "segments" | "root">,
): Promise<readonly Uint8Array[]> {
  const keys = segments.map(({ id }) => entityLog.segment(key, id));
  let nodes = root === null ? [] : [root.id];
  while (nodes.length > 0) {
    const nodeKeys = nodes.map((id) => entityLog.node(key, id));
    const cells = await store.read(nodeKeys);
    keys.push(...nodeKeys);
    const refs = cells.flatMap((cell) => (cell === null ? [] : decodeNode(cell.value).refs));
    for (const { level, id } of refs) if (level === 0) keys.push(entityLog.segment(key, id));
    nodes = refs.flatMap(({ level, id }) => (level === 0 ? [] : [id]));
  }
  return keys;
}
