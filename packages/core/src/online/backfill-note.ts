/**
 * Notes in the online store what a backfill does, so that other processes see its progress. The
 * note is written again while somebody works, and stays if the process is killed.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { OnlineStore } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";

/** What a backfill of one source does. */
export interface BackfillNote {
  /** What the stored rows lack. null: the store is filled up to the end of the history. */
  readonly reason: string | null;
  /** Changes that were written since `since`. */
  readonly changes: number;
  /** Changes to write since `since`. null: it is not known yet. */
  readonly of: number | null;
  /** What the backfill waits for: a history that is behind the online store. */
  readonly waitingFor: "history" | null;
  /** When the backfill began, µs. */
  readonly since: number;
  /** When somebody worked on it last, µs. */
  readonly at: number;
}

/** How often a working backfill writes its note, ms. */
const INTERVAL = 2_000;
/** After how long without a new note nobody works on the backfill, µs. */
export const NOTE_EXPIRES = 15_000_000;

function noteKey(namespace: string, source: string): Uint8Array {
  return cellKeys(namespace, `backfill-note:${source}`, [])([]);
}

/** Reads what a backfill of the source does, or did when it was stopped. null: there is none. */
export async function readBackfillNote(
  store: OnlineStore,
  namespace: string,
  source: string,
): Promise<BackfillNote | null> {
  const [cell] = await store.read([noteKey(namespace, source)]);
  return cell == null ? null : (decodeJson(cell.value) as BackfillNote);
}

/** Writes the notes of one call of `backfill`. They only inform, so a failed write ends nothing. */
export class BackfillNotes {
  private readonly online: OnlineStore;
  private readonly namespace: string;
  private readonly clock: () => number;
  private readonly notes = new Map<string, BackfillNote>();
  private readonly timer: ReturnType<typeof setInterval>;
  private writing: Promise<void> = Promise.resolve();

  constructor(settings: {
    readonly online: OnlineStore;
    readonly namespace: string;
    readonly clock: () => number;
  }) {
    this.online = settings.online;
    this.namespace = settings.namespace;
    this.clock = settings.clock;
    this.timer = setInterval(() => {
      for (const source of this.notes.keys()) this.write(source);
    }, INTERVAL);
  }

  begin(source: string, reason: string | null, of: number | null): void {
    const now = this.clock();
    this.notes.set(source, { reason, changes: 0, of, waitingFor: null, since: now, at: now });
    this.write(source);
  }

  update(source: string, now: Partial<Pick<BackfillNote, "changes" | "of" | "waitingFor">>): void {
    const note = this.notes.get(source);
    if (note !== undefined) this.notes.set(source, { ...note, waitingFor: null, ...now });
  }

  /** Removes the note: the source has what it needs. */
  async end(source: string): Promise<void> {
    this.notes.delete(source);
    await this.writing;
    const note = await readBackfillNote(this.online, this.namespace, source).catch(() => null);
    if (note !== null) await this.put(source, null);
  }

  /** Stops writing. The notes of what is not done stay. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const source of this.notes.keys()) this.write(source);
    await this.writing;
  }

  private write(source: string): void {
    const before = this.writing;
    this.writing = (async () => {
      await before;
      const note = this.notes.get(source);
      if (note !== undefined) await this.put(source, encodeJson({ ...note, at: this.clock() }));
    })();
  }

  private async put(source: string, value: Uint8Array | null): Promise<void> {
    const key = noteKey(this.namespace, source);
    const cells = [{ key, value, expected: undefined, expires: null }];
    // the backfill itself meets what is wrong with the store
    await this.online.write({ source, cells, positions: [] }).catch(() => undefined);
  }
}
