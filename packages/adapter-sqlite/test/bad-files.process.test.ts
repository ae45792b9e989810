import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { CellWrite, OnlineStore } from "@tidemark/core/spi";
import Database from "better-sqlite3";
import { onSmallDisk, smallDisks } from "@tidemark/testkit/small-disk";
import { suiteNeeding } from "@tidemark/testkit/suite-needing";
import { describe, expect, test } from "vitest";
import { type SqliteOnlineOptions, sqliteOnlineStore } from "../src/index.ts";
import { inDirectory } from "./processes.ts";

const NAMESPACE = { namespace: "test" };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const put = (key: string, bytes = 10): CellWrite => ({
  key: text(key),
  value: new Uint8Array(bytes).fill(1),
  expected: undefined,
  expires: null,
});

async function openStore(file: string, options?: SqliteOnlineOptions): Promise<OnlineStore> {
  const store = sqliteOnlineStore(file, options);
  await store.open(NAMESPACE);
  return store;
}

async function openingError(
  file: string,
  options?: SqliteOnlineOptions,
): Promise<{ readonly code: string; readonly message: string }> {
  const error: unknown = await openStore(file, options).then(
    async (store) => {
      await store.close();
      return null;
    },
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "TidemarkError" });
  expect((error as Error).message).toMatch(/^sqlite online store .*: /);
  return error as { code: string; message: string };
}

async function made(file: string): Promise<void> {
  const store = await openStore(file);
  await store.write({
    source: "s",
    cells: [put("a")],
    positions: [{ partition: "p", expected: null, next: 1 }],
  });
  await store.close();
}

describe("a file that is not what it should be is refused and left as it was", () => {
  test("no database at all: ONLINE_STORE_DAMAGED", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      writeFileSync(file, "user_id,amount\n".repeat(1000));
      expect((await openingError(file)).code).toBe("ONLINE_STORE_DAMAGED");
      expect(readFileSync(file, "utf8")).toBe("user_id,amount\n".repeat(1000));
      expect(readdirSync(directory)).toEqual(["online.db"]);
    });
  });

  test("another program's tables: STATE_NOT_TIDEMARK", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      const database = new Database(file);
      database.exec("CREATE TABLE theirs (a)");
      database.close();
      const before = readFileSync(file);
      expect(await openingError(file)).toMatchObject({
        code: "STATE_NOT_TIDEMARK",
        message: expect.stringContaining("give Tidemark a path of its own"),
      });
      expect(readFileSync(file).equals(before)).toBe(true);
    });
  });

  test("another program's application id, though no tables: STATE_NOT_TIDEMARK", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      const database = new Database(file);
      database.pragma("application_id = 7");
      database.close();
      expect((await openingError(file)).code).toBe("STATE_NOT_TIDEMARK");
    });
  });

  test("a newer Tidemark's: STATE_NEWER_FORMAT, for readers too", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      await made(file);
      const database = new Database(file);
      database.pragma("user_version = 4");
      database.close();
      expect(await openingError(file)).toMatchObject({
        code: "STATE_NEWER_FORMAT",
        message: expect.stringContaining("format 4; this one reads 3"),
      });
      expect((await openingError(file, { readOnly: true })).code).toBe("STATE_NEWER_FORMAT");
    });
  });

  test("an older Tidemark's: STATE_OLDER_FORMAT, with the way to a new file", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      await made(file);
      const database = new Database(file);
      database.pragma("user_version = 1");
      database.close();
      expect(await openingError(file)).toMatchObject({
        code: "STATE_OLDER_FORMAT",
        message: expect.stringContaining("fill a new one with `tidemark backfill`"),
      });
    });
  });

  test("cut short: ONLINE_STORE_DAMAGED when the missing part is read or written", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      const store = await openStore(file);
      await store.write({
        source: "s",
        cells: Array.from({ length: 500 }, (_, i) => put(`k${i}`, 2000)),
        positions: [],
      });
      await store.close();
      truncateSync(file, 3 * 8192);
      const use = async (): Promise<void> => {
        const again = await openStore(file);
        try {
          await again.read(Array.from({ length: 500 }, (_, i) => text(`k${i}`)));
        } finally {
          await again.close();
        }
      };
      await expect(use()).rejects.toMatchObject({ code: "ONLINE_STORE_DAMAGED" });
    });
  });

  test("a directory: ONLINE_STORE_CANNOT_OPEN", async () => {
    await inDirectory(async (directory) => {
      expect((await openingError(directory)).code).toBe("ONLINE_STORE_CANNOT_OPEN");
    });
  });
});

test("a Tidemark file has TDMK at byte 68, the format at 60 and pages of 8,192 bytes", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    await made(file);
    const bytes = readFileSync(file);
    expect([
      bytes.toString("latin1", 68, 72),
      bytes.readInt32BE(60),
      bytes.readUInt16BE(16),
    ]).toEqual(["TDMK", 3, 8192]);
    expect(readdirSync(directory)).toEqual(["online.db"]);
  });
});

test("an empty file becomes a store", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    writeFileSync(file, "");
    await made(file);
  });
});

test("a missing directory is made; where it cannot be, it is ONLINE_STORE_READ_ONLY", async () => {
  await inDirectory(async (directory) => {
    await made(join(directory, "state", "of", "online.db"));
    writeFileSync(join(directory, "file"), "");
    expect((await openingError(join(directory, "file", "online.db"))).code).toBe(
      "ONLINE_STORE_READ_ONLY",
    );
  });
});

describe("readOnly", () => {
  test("a missing file or namespace is ONLINE_STORE_MISSING and is not made", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      expect((await openingError(file, { readOnly: true })).code).toBe("ONLINE_STORE_MISSING");
      expect(existsSync(file)).toBe(false);
      await made(file);
      const store = sqliteOnlineStore(file, { readOnly: true });
      await expect(store.open({ namespace: "other" })).rejects.toMatchObject({
        code: "ONLINE_STORE_MISSING",
      });
    });
  });

  test("a write or deleteExpired is ONLINE_STORE_READ_ONLY", async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      await made(file);
      const store = await openStore(file, { readOnly: true });
      expect((await store.read([text("a")]))[0]!.value.length).toBe(10);
      await expect(
        store.write({ source: "s", cells: [put("b")], positions: [] }),
      ).rejects.toMatchObject({ code: "ONLINE_STORE_READ_ONLY" });
      await expect(
        store.deleteExpired({ before: 1, limit: 1, cursor: null }),
      ).rejects.toMatchObject({ code: "ONLINE_STORE_READ_ONLY" });
      await store.close();
    });
  });
});

test("a directory that takes no files is ONLINE_STORE_READ_ONLY, even with a store", async () => {
  await inDirectory(async (directory) => {
    const sealed = join(directory, "place");
    mkdirSync(sealed);
    await made(join(sealed, "online.db"));
    await made(join(sealed, "file-is-writable.db"));
    chmodSync(directory, 0o755);
    chmodSync(join(sealed, "online.db"), 0o444);
    chmodSync(join(sealed, "file-is-writable.db"), 0o666);
    chmodSync(sealed, 0o555);
    // root may write anywhere, so the test becomes the user nobody for a moment.
    const root = process.geteuid!() === 0;
    if (root) process.seteuid!(65534);
    try {
      expect(await openingError(join(sealed, "online.db"))).toMatchObject({
        code: "ONLINE_STORE_READ_ONLY",
        message: expect.stringContaining("give this user write access"),
      });
      expect((await openingError(join(sealed, "file-is-writable.db"))).code).toBe(
        "ONLINE_STORE_READ_ONLY",
      );
      expect((await openingError(join(sealed, "new.db"))).code).toBe("ONLINE_STORE_READ_ONLY");
      expect((await openingError(join(sealed, "sub", "new.db"))).code).toBe(
        "ONLINE_STORE_READ_ONLY",
      );
    } finally {
      if (root) process.seteuid!(0);
      chmodSync(sealed, 0o755);
    }
    expect(readdirSync(sealed)).toEqual(["file-is-writable.db", "online.db"]);
  });
});

test("a step under another process's lock is ONLINE_STORE_BUSY after busyTimeout", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    await made(file);
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    const store = await openStore(file, { busyTimeout: "50ms" });
    await expect(
      store.write({ source: "s", cells: [put("b")], positions: [] }),
    ).rejects.toMatchObject({ code: "ONLINE_STORE_BUSY" });
    expect((await store.read([text("a")]))[0]!.value.length).toBe(10);
    other.exec("COMMIT");
    expect(await store.write({ source: "s", cells: [put("b")], positions: [] })).toBe("done");
    other.close();
    await store.close();
  });
});

test("a step inside the Database owner's transaction is an error and leaves it open", async () => {
  const database = new Database(":memory:");
  const store = sqliteOnlineStore(database);
  await store.open(NAMESPACE);
  database.exec("CREATE TABLE theirs (a); BEGIN; INSERT INTO theirs VALUES (1)");
  await expect(
    store.write({ source: "s", cells: [put("a")], positions: [] }),
  ).rejects.toMatchObject({ code: "ONLINE_STORE_FAILED" });
  database.exec("COMMIT");
  expect(database.prepare("SELECT count(*) FROM theirs").pluck().get()).toBe(1);
  expect(await store.read([text("a")])).toEqual([null]);
  database.close();
});

/**
 * Writes until the store is full. Then checks that the failed step left nothing and that a smaller
 * step succeeds.
 */
async function fill(store: OnlineStore, bytes: number): Promise<void> {
  let [offset, failure] = [-1, null as unknown];
  while (failure === null && offset < 10_000) {
    const cells = Array.from({ length: 4 }, (_, i) => put(`k${i} of ${offset + 1}`, bytes));
    const step = {
      source: "s",
      cells,
      positions: [{ partition: "p", expected: offset === -1 ? null : offset, next: offset + 1 }],
    };
    failure = await store.write(step).then(
      (result) => {
        expect(result).toBe("done");
        offset++;
        return null;
      },
      (error: unknown) => error,
    );
  }
  expect(failure).toMatchObject({
    name: "TidemarkError",
    code: "ONLINE_STORE_FULL",
    message: expect.stringContaining("make room and write again"),
  });
  expect(offset).toBeGreaterThan(0);
  expect(await store.positions("s")).toEqual([{ partition: "p", offset }]);
  const keys = [offset, offset + 1].flatMap((at) =>
    Array.from({ length: 4 }, (_, i) => text(`k${i} of ${at}`)),
  );
  expect((await store.read(keys)).map((cell) => cell?.value.length ?? null)).toEqual([
    bytes,
    bytes,
    bytes,
    bytes,
    null,
    null,
    null,
    null,
  ]);
}

describe("a full disk is ONLINE_STORE_FULL, and the step that met it is not there", () => {
  test("SQLite's own limit, through a Database that was handed in", async () => {
    await inDirectory(async (directory) => {
      const database = new Database(join(directory, "online.db"));
      database.pragma("max_page_count = 200");
      const store = sqliteOnlineStore(database);
      await store.open(NAMESPACE);
      await fill(store, 4000);
      await store.close();
      expect(database.open).toBe(true);
      database.close();
    });
  });

  suiteNeeding(smallDisks(), "on a small disk", () => {
    test("a file system of 4 MiB", async () => {
      await inDirectory((directory) =>
        onSmallDisk(directory, "4m", async () => {
          const store = await openStore(join(directory, "online.db"));
          await fill(store, 20_000);
          await store.close();
          const again = await openStore(join(directory, "online.db"));
          expect(await again.positions("s")).toHaveLength(1);
          await again.close();
        }),
      );
    });

    test("a store that is opened on a disk without a free byte", async () => {
      await inDirectory((directory) =>
        onSmallDisk(directory, "4m", async () => {
          const path = join(directory, "online.db");
          await (await openStore(path)).close();
          expect(() => {
            writeFileSync(join(directory, "filler"), new Uint8Array(5 * 2 ** 20));
          }).toThrow("ENOSPC");
          await expect(openStore(path)).rejects.toMatchObject({
            code: "ONLINE_STORE_FULL",
            message: expect.stringContaining("make room"),
            retryable: true,
          });
        }),
      );
    });
  });
});
