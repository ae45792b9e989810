/** Other readers of Delta read the tables that an erasure rewrote, with the same rows. */
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filledStores, REQUEST } from "../../src/personal-stores.ts";
import { inFolder, lakePath } from "../../src/real-stores.ts";

const COUNT = `
import json, sys
from deltalake import DeltaTable
print(json.dumps([DeltaTable(path).to_pyarrow_table().num_rows for path in sys.argv[1:]]))
`;

const python = pythonReaders();
suiteNeeding(python, "the tables of an erased person, read by delta-rs", () => {
  test.each([true, false])("with now: %s", (now) =>
    inFolder(async (folder) => {
      const { store, stores } = await filledStores(folder);
      await store.erase({ ...REQUEST, now });
      const rows = new Map<string, number>();
      for (const { name } of store.tables()) {
        const state = await stores.offline.state(name);
        if (state !== null) rows.set(name, state.rows);
      }
      await store.close();
      expect(rows.size).toBeGreaterThan(6);
      const paths = [...rows.keys()].map((name) => join(lakePath(folder), name));
      const { stdout } = await startPython(python.path, ["-c", COUNT, ...paths]).succeeded();
      expect(JSON.parse(stdout)).toEqual([...rows.values()]);
    }),
  );
});
