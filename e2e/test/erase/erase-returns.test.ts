/** After an erasure nothing brings the rows back: no replay, no new store and no restore. */
import { restoreBackup, type Store } from "@tidemark/core";
import { recordedTopic } from "@tidemark/source-debezium";
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  at,
  ERASED,
  LOGINS,
  logins,
  OTHERS,
  PERSONAL,
  personalDefinitions,
  PersonalLog,
  personalLog,
} from "../../src/personal-log.ts";
import {
  filledStores,
  NOW,
  openPersonal,
  personalAnswers,
  reached,
  REQUEST,
  runTopic,
} from "../../src/personal-stores.ts";
import { databasePath, inFolder, lakePath, realStores, topicPath } from "../../src/real-stores.ts";
import { findBytes } from "../../src/stored-bytes.ts";

type Walk = (folder: string, store: Store) => Promise<Store>;

const removeOnline = (folder: string): void => {
  for (const end of ["", "-wal", "-shm"]) rmSync(databasePath(folder) + end, { force: true });
};
const reopened = async (folder: string): Promise<Store> => (await openPersonal(folder)).store;

/**
 * Whether the row of a message can be read. An unreadable one that comes again names no person, so
 * its bytes are kept. The page says so.
 */
const isReadable = (line: string): boolean =>
  !(JSON.parse(line) as { readonly value: string }).value.endsWith("Quibble");

/** The topic with other offsets, as a connector that began anew writes it. */
function later(lines: readonly string[], snapshot?: string): string {
  return lines
    .filter(isReadable)
    .map((line) => {
      const message = JSON.parse(line) as Record<string, unknown> & { value: string };
      const offset = String(Number(message["offset"]) + 1_000);
      if (snapshot === undefined || !message.value.startsWith('{"before":null,"after":{'))
        return JSON.stringify({ ...message, offset });
      const value = JSON.parse(message.value) as { source: object };
      return JSON.stringify({
        ...message,
        offset,
        value: JSON.stringify({
          ...value,
          source: { ...value.source, lsn: null, snapshot },
          op: "r",
        }),
      });
    })
    .join("\n");
}

const walks: Readonly<Record<string, Walk>> = {
  "a new online store reads the topic from its beginning": async (folder, store) => {
    await store.close();
    removeOnline(folder);
    const next = await reopened(folder);
    await runTopic(next, topicPath(folder));
    return next;
  },
  "a new online store is filled from the history": async (folder, store) => {
    await store.close();
    removeOnline(folder);
    const next = await reopened(folder);
    await next.backfill();
    return next;
  },
  "a new history reads the topic from its beginning": async (folder, store) => {
    await store.close();
    rmSync(lakePath(folder), { recursive: true });
    writeFileSync(topicPath(folder), `${personalLog().lines.filter(isReadable).join("\n")}\n`);
    const { store: next } = await openPersonal(folder);
    const source = recordedTopic(topicPath(folder), { onWarning: () => undefined });
    await next.run(source, { newHistory: true });
    return next;
  },
  "the messages come again at later offsets": async (folder, store) => {
    const { lines } = personalLog();
    writeFileSync(topicPath(folder), `${lines.join("\n")}\n${later(lines)}\n`);
    await runTopic(store, topicPath(folder));
    return store;
  },
  "an incremental snapshot that was read before the erasure comes after it": async (
    folder,
    store,
  ) => {
    const { lines } = personalLog();
    const rows = lines.slice(0, 31);
    writeFileSync(topicPath(folder), `${lines.join("\n")}\n${later(rows, "incremental")}\n`);
    await runTopic(store, topicPath(folder));
    return store;
  },
  "a push is sent again": async (_, store) => {
    await store.push(logins, LOGINS, { id: "push-1" });
    return store;
  },
  "the online store of an older backup is restored": async (folder, store) => {
    await store.close();
    await restoreBackup({
      from: join(folder, "backup"),
      definitions: personalDefinitions,
      online: realStores(folder).online,
      offline: realStores(folder).offline,
      replaceOnline: true,
    }).catch((error: { readonly code: string }) => {
      // the erasure removed the files of the pinned versions
      expect(error.code).toBe("OBJECT_MISSING");
      removeOnline(folder);
      cpSync(join(folder, "backup/online.db"), databasePath(folder));
    });
    const next = await reopened(folder);
    await runTopic(next, topicPath(folder));
    return next;
  },
  "both stores are restored from a copy": async (folder, store) => {
    await store.close();
    await restoreBackup({
      from: join(folder, "copy"),
      definitions: personalDefinitions,
      online: realStores(folder).online,
      offline: realStores(folder).offline,
      replaceOnline: true,
      replaceHistory: true,
    });
    const next = await reopened(folder);
    expect((await findBytes(lakePath(folder), PERSONAL)).length).toBeGreaterThan(0);
    await runTopic(next, topicPath(folder));
    // the files that the restore brought are older versions now
    for (const { name } of next.tables()) {
      const { offline } = realStores(folder);
      if ((await offline.state(name)) !== null) await offline.forgetReplaced(name, { files: true });
    }
    return next;
  },
};

test.for(Object.keys(walks))("%s", (name) =>
  inFolder(async (folder) => {
    const { store } = await filledStores(folder);
    await store.backup({ to: join(folder, "copy"), history: "copy" });
    await store.erase({ ...REQUEST, now: true });
    // pushes of a history that is gone are in the online store alone
    const paths = name.startsWith("a new history") ? "online" : "both";
    const answers = await personalAnswers(store, paths);
    const next = await walks[name]!(folder, store);
    expect(await personalAnswers(next, paths)).toEqual(answers);
    await next.close();
    const found = await findBytes(folder, PERSONAL);
    expect(reached(found).filter((one) => !one.includes(" in copy/"))).toEqual([]);
    expect(reached(await findBytes(folder, OTHERS)).length).toBeGreaterThan(3);
    expect(existsSync(databasePath(folder))).toBe(true);
  }),
);

test("a person who comes back later is served, and the erased rows are not", () =>
  inFolder(async (folder) => {
    const { store } = await filledStores(folder);
    await store.erase({ ...REQUEST, now: true });
    await store.close();
    const log = new PersonalLog(NOW.getTime() * 1000);
    log.lines.push(...personalLog().lines);
    log.offsetOf("payments", 1_000);
    log.paid(900, { tenant: ERASED.tenant, person_id: Number(ERASED.person_id), note: "again" });
    writeFileSync(topicPath(folder), `${log.lines.join("\n")}\n`);
    const { store: next } = await openPersonal(folder, realStores(folder), at(24 * 60 + 60));
    await runTopic(next, topicPath(folder));
    const answers = await personalAnswers(next);
    expect(JSON.parse(answers["online erased"]!)).toMatchObject({ num: 1, last_note: "again" });
    expect(JSON.parse(answers["training erased"]!)).toMatchObject([{ num: 1, last_note: "again" }]);
    await next.close();
  }));
