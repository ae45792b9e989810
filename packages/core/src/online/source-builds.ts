/**
 * The builds of a source in the online store: the served one, and one in progress. A build is all
 * cells of a source under one definition. The source's metadata names both builds, and every write
 * compares it. So no process writes a build that was served or in progress only before.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { Cell, CellWrite, Metadata, MetadataStep, OnlineStore } from "../spi.ts";
import { buildSpaces, nodeSpace, segmentSpace } from "./entity-logs.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { SourceState } from "./source-state.ts";

const METADATA_KEY = "builds";

/** The numbers of the builds of a source. */
export interface SourceBuilds {
  readonly served: number;
  readonly inProgress: number | null;
  /** The last number of a build. No number is given twice. */
  readonly last: number;
  /** The text of the metadata; null: the source has had one build only. */
  readonly text: string | null;
}

/** Reads the numbers of the builds of a source. */
export async function readSourceBuilds(store: OnlineStore, source: string): Promise<SourceBuilds> {
  return sourceBuildsOf(await store.metadata(source));
}

/** The numbers of the builds in the metadata of a source. */
export function sourceBuildsOf(metadata: Metadata): SourceBuilds {
  const text = metadata.get(METADATA_KEY) ?? null;
  if (text === null) return { served: 0, inProgress: null, last: 0, text };
  const stored = JSON.parse(text) as Omit<SourceBuilds, "text">;
  return { ...stored, text };
}

/** The step of a write that compares the builds, and moves them to `next` if that is given. */
export function buildsStep(
  { text, last }: SourceBuilds,
  next?: Pick<SourceBuilds, "served" | "inProgress">,
): MetadataStep {
  return {
    key: METADATA_KEY,
    expected: text,
    next:
      next === undefined
        ? text
        : JSON.stringify({ ...next, last: Math.max(last, next.inProgress ?? 0) }),
  };
}

/** The key of the state of the build in progress. */
export function buildInProgressKey(namespace: string, source: string): Uint8Array {
  return cellKeys(namespace, `build:${source}`, [])([]);
}

/** A build whose cells are being deleted. */
export interface OldBuild {
  readonly build: number;
  /** The spaces of its cells. */
  readonly spaces: readonly string[];
}

/** The builds of a source whose cells are being deleted. */
export interface OldBuilds {
  readonly key: Uint8Array;
  readonly builds: readonly OldBuild[];
  readonly version: number | null;
}

export function oldBuildsKey(namespace: string, source: string): Uint8Array {
  return cellKeys(namespace, `old-builds:${source}`, [])([]);
}

export function decodeOldBuilds(key: Uint8Array, cell: Cell | null): OldBuilds {
  return {
    key,
    builds: cell === null ? [] : (decodeJson(cell.value) as readonly OldBuild[]),
    version: cell?.version ?? null,
  };
}

/** The write that replaces the list of builds whose cells are being deleted. */
export function oldBuildsWrite(
  { key, version }: OldBuilds,
  builds: readonly OldBuild[],
): CellWrite {
  return {
    key,
    value: builds.length === 0 ? null : encodeJson(builds),
    expected: version,
    expires: null,
  };
}

/** The build of a state, as one whose cells are to be deleted. */
export function asOldBuild({ build, layout }: SourceState): OldBuild {
  const spaces = buildSpaces(layout.source.name, build);
  return {
    build,
    spaces: [
      spaces.row,
      ...[
        spaces.quarantine,
        ...layout.entityLogs.map(({ name }) => spaces.entityLog(name)),
      ].flatMap((space) => [space, segmentSpace(space), nodeSpace(space)]),
    ],
  };
}
