/** The data of an online and an offline store that several processes open, lose and restore. */
import { cpSync, existsSync, rmSync } from "node:fs";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { databasePath, lakePath, realStores } from "../real-stores.ts";

/** The handles of one process. */
export interface Handles {
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
}

/** The name of one of the two stores. */
export type StoreRole = "online" | "offline";

/** Data that outlives processes. Before it is replaced, every process closes its handles. */
export interface StoredData {
  open(): Handles;
  /** Removes the data of a store. */
  remove(role: StoreRole): void;
  /** Copies the data of a store, and returns what puts the copy back. */
  copy(role: StoreRole): () => void;
}

/** Makes data in memory. */
export function memoryData(): StoredData {
  let online = memoryOnlineData();
  let offline = memoryOfflineData();
  return {
    open: () => ({ online: memoryOnlineStore(online), offline: memoryOfflineStore(offline) }),
    remove(role) {
      if (role === "online") online = memoryOnlineData();
      else offline = memoryOfflineData();
    },
    copy(role) {
      if (role === "online") {
        const kept = structuredClone(online);
        return () => void (online = structuredClone(kept));
      }
      const kept = copyOfTables(offline);
      return () => void (offline = copyOfTables(kept));
    },
  };
}

/** Versions of a table are never changed, so a copy of the lists is enough. */
function copyOfTables({
  tables,
  registry,
}: ReturnType<typeof memoryOfflineData>): ReturnType<typeof memoryOfflineData> {
  return {
    tables: new Map([...tables].map(([name, versions]) => [name, [...versions]])),
    registry: new Map(registry),
    staged: new Map(),
  };
}

/** Makes data in SQLite and Delta files. */
export function fileData(folder: string): StoredData {
  let copies = 0;
  const paths = (role: StoreRole): string[] =>
    role === "online"
      ? ["", "-wal", "-shm"].map((suffix) => databasePath(folder) + suffix)
      : [lakePath(folder)];
  const remove = (role: StoreRole): void => {
    for (const path of paths(role)) rmSync(path, { recursive: true, force: true });
  };
  return {
    open: () => realStores(folder),
    remove,
    copy(role) {
      const copy = `.copy${copies++}`;
      const present = paths(role).filter((path) => existsSync(path));
      for (const path of present) cpSync(path, path + copy, { recursive: true });
      return () => {
        remove(role);
        for (const path of present) cpSync(path + copy, path, { recursive: true });
      };
    },
  };
}

/** The changes that a log has at least if it is long, so that no reader derives its versions. */
const LONG = 200_001;

/** Wraps an offline store so that its change logs seem long. */
export function withLongLogs(store: OfflineStore): OfflineStore {
  return new Proxy(store, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "state") return member.bind(target) as unknown;
      return async (...given: Parameters<OfflineStore["state"]>) => {
        const state = await target.state(...given);
        const isLog = given[0].endsWith("/changes");
        return state === null || !isLog ? state : { ...state, rows: state.rows + LONG };
      };
    },
  });
}

/** The end of a process at a write. */
class Killed extends Error {}

/** A process that dies at its n-th write. */
export interface Death {
  /** The writes that are still done. */
  left: number;
  /** Whether the last write is done. */
  readonly afterWrite: boolean;
  isDead: boolean;
}

const WRITES = new Set<PropertyKey>(["write", "deleteExpired", "deleteCells", "append", "rewrite"]);

/** Wraps a store so that its process dies at a write. Every later call fails. */
export function dying<T extends object>(store: T, death: Death): T {
  return new Proxy(store, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || name === "close") return member;
      return (...given: unknown[]): unknown => {
        if (death.isDead) throw new Killed();
        if (!WRITES.has(name) || death.left-- > 0) return member.apply(target, given);
        death.isDead = true;
        if (!death.afterWrite) throw new Killed();
        return (member.apply(target, given) as Promise<unknown>).then(() => {
          throw new Killed();
        });
      };
    },
  });
}
