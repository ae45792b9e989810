/**
 * Stores the registry beside the tables as numbered entries, like the entries of a table's log. An
 * entry is made only if its number is free.
 */
import type { RegistryStore } from "@tidemark/core/spi";
import type { ObjectStore } from "./objects.ts";

const ENTRY_DIGITS = 20;

/**
 * Stores the registry in objects. A save is whole or absent; of many saves after the same entry,
 * exactly one succeeds. Older entries stay.
 */
export function registryEntries(objects: ObjectStore): RegistryStore {
  const entry = (namespace: string, number: number): string =>
    `${namespaceDirectory(namespace)}${String(number).padStart(ENTRY_DIGITS, "0")}.json`;
  return {
    async load({ namespace, signal }) {
      const prefix = namespaceDirectory(namespace);
      let newest = -1;
      for await (const { key } of objects.list(prefix, { signal })) {
        const name = key.slice(prefix.length);
        if (/^\d{20}\.json$/.test(name)) newest = Math.max(newest, entryNumber(name));
      }
      const content =
        newest < 0 ? null : await objects.read(entry(namespace, newest), undefined, { signal });
      return content === null
        ? null
        : { snapshot: new TextDecoder().decode(content), etag: String(newest) };
    },
    async save(snapshot, { namespace, expected, signal }) {
      const created = await objects.createIfAbsent(
        entry(namespace, expected === null ? 0 : Number(expected) + 1),
        new TextEncoder().encode(snapshot),
        { signal },
      );
      return created ? "done" : "conflict";
    },
  };
}

/** The number of an entry; −1 if no registry has so many entries. */
function entryNumber(name: string): number {
  const number = Number(name.slice(0, ENTRY_DIGITS));
  return Number.isSafeInteger(number) ? number : -1;
}

/**
 * Encodes a namespace as a directory name. A namespace may contain any character, and some disks
 * ignore case.
 */
function namespaceDirectory(namespace: string): string {
  const name = [...Buffer.from(namespace)]
    .map((byte) =>
      /[a-z0-9_-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
  return `_tidemark/registry/${name}/`;
}
