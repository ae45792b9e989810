import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sqliteOnlineStore, type SqliteOnlineOptions } from "../src/index.ts";

async function modesOf(options: SqliteOnlineOptions): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "made", "online.db");
  const store = sqliteOnlineStore(file, options);
  await store.open({ namespace: "a" });
  const modes = [join(directory, "made"), file, `${file}-wal`, `${file}-shm`].map((path) =>
    (statSync(path).mode & 0o777).toString(8),
  );
  await store.close();
  return modes;
}

test.skipIf(process.platform === "win32")(
  "a new file, its log and its directory are for their user alone, unless told otherwise",
  async () => {
    expect(await modesOf({})).toEqual(["700", "600", "600", "600"]);
    const shared = { fileMode: 0o640, directoryMode: 0o750 };
    expect(await modesOf(shared)).toEqual(["750", "640", "640", "640"]);
  },
);
