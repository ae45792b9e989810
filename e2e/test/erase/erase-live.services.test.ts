/**
 * Erases a person over a real Kafka and a lake in a real MinIO, while a run, a server, a backfill
 * and a process with older definitions work. Nothing of the person stays, and a replay brings
 * nothing back. Trino reads the tables.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import { queryTrino, historyTables, registerTables } from "@tidemark/catalog-trino";
import { count, featureView, max, openStore, sum, type Store } from "@tidemark/core";
import { featureServer } from "@tidemark/server";
import { kafkaChanges } from "@tidemark/source-debezium";
import { minioServer, realKafka, suiteNeeding, trinoServer } from "@tidemark/testkit/needs";
import { ownBucket, ownTopics, sharedService } from "@tidemark/testkit/services/shared";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  at,
  ERASED,
  OTHER,
  OTHERS,
  payments,
  person,
  PERSONAL,
  personalDefinitions,
  personalLog,
  type PersonalLog,
} from "../../src/personal-log.ts";
import {
  NOW,
  openPersonal,
  personalAnswers,
  REQUEST,
  runTopic,
} from "../../src/personal-stores.ts";
import { startRunner } from "../../src/pipeline-run.ts";
import { inFolder, keepingStores, realStores, topicPath } from "../../src/real-stores.ts";
import { findBytes } from "../../src/stored-bytes.ts";

const { person: _, spending: __, ...otherDefinitions } = personalDefinitions;
/** From before two features were declared. */
const older = featureView("spending", {
  entity: person,
  source: payments,
  features: { num: count().over("30d") },
});
/** With a longer window, which needs a backfill. */
const newer = featureView("spending", {
  entity: person,
  source: payments,
  features: {
    num: count().over("60d"),
    total: sum(payments.amount).over("30d"),
    last_note: max(payments.note).over("30d"),
  },
});

/** The messages of a recorded topic. The unreadable one names no person when it comes again. */
const messagesOf = ({ lines }: PersonalLog, from = 0) =>
  lines
    .slice(from)
    .map((line) => JSON.parse(line) as Readonly<Record<string, string>>)
    .filter(({ value }) => !value!.endsWith("Quibble"))
    .map(({ topic, key, value, timestamp, headers }) => ({
      topic: topic!,
      partition: 0,
      key: key!,
      value: value!,
      headers: headers as unknown as Record<string, string>,
      timestamp: Number(timestamp),
    }));

const needs = [realKafka(), minioServer(), trinoServer()];
const missing = needs.map((need) => need.missing).find((text) => text !== null) ?? null;

suiteNeeding({ missing }, "an erasure over a real Kafka and a real MinIO", () => {
  test("while everything works, nothing of the person stays", { timeout: 500_000 }, () =>
    inFolder(async (folder) => {
      const startingTrino = sharedService("trino");
      const [kafka, bucket] = await Promise.all([ownTopics(), ownBucket()]);
      const objects = s3Objects({ ...bucket, prefix: "lake" });
      const prefix = `erase-${randomUUID().slice(0, 8)}.`;
      const log = personalLog();
      const names = ["bank.public.payments", "bank.public.profiles"];
      for (const name of names) await kafka.topic(prefix + name, 1);
      const publish = async (from: number): Promise<void> => {
        const messages = messagesOf(log, from);
        for (const name of names)
          await kafka.publish(
            prefix + name,
            messages.filter(({ topic }) => topic === name),
          );
      };
      const source = {
        brokers: kafka.brokers,
        topics: new RegExp(`^${prefix.replaceAll(".", "\\.")}`),
      };
      const catchUp = (store: Store) =>
        store.run(
          kafkaChanges({
            ...source,
            unreadable: "keep",
            until: "caught-up",
            onWarning: () => undefined,
          }),
          { mismatch: "ignore" },
        );
      const stores: Store[] = [];
      const open = async (place: string, definitions: object): Promise<Store> => {
        mkdirSync(join(folder, place), { recursive: true });
        const store = await openStore({
          definitions: { ...definitions },
          ...keepingStores(realStores(join(folder, place), {}, objects), {
            commit: { rows: 7 },
            buckets: 2,
          }),
          onDefinitionMismatch: "ignore",
          clock: () => NOW,
        });
        stores.push(store);
        return store;
      };
      const numOf = async (store: Store, view: unknown, entity: object): Promise<unknown> => {
        const asked = { features: view, entity, asOf: at(60) } as never;
        return ((await store.getOnlineFeatures(asked)) as unknown as { num: unknown }).num;
      };

      await publish(0);
      const writer = await open("first", personalDefinitions);
      await catchUp(writer);
      await writer.compact();
      expect(await numOf(writer, personalDefinitions.spending, ERASED)).toBeGreaterThan(3n);

      // a server, a process with older definitions and one with newer ones
      const served = await open("first", personalDefinitions);
      const server = await featureServer({ store: served, definitions: personalDefinitions });
      const url = await server.listen({ port: 0 });
      const ask = async (entity: object): Promise<unknown> => {
        const response = await fetch(`${url}/v1/features`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(
            { features: ["spending:num"], entities: [entity], asOf: at(60) },
            (___, value: unknown) => (typeof value === "bigint" ? String(value) : value),
          ),
        });
        const body = (await response.json()) as { rows: readonly Record<string, unknown>[] };
        expect(response.status, JSON.stringify(body)).toBe(200);
        return body.rows[0]!["num"];
      };
      const others = Number(await ask(OTHER));
      const old = await open("first", { ...otherDefinitions, person, older });
      const next = await open("first", { ...otherDefinitions, person, newer });
      const eraser = await open("first", personalDefinitions);
      const runner = startRunner(writer, source);
      let isAsking = true;
      const seen: number[] = [];
      const asking = (async () => {
        for (; isAsking; await sleep(5)) {
          seen.push(Number(await ask(OTHER)));
          await ask(ERASED);
          await numOf(old, older, OTHER);
        }
      })();
      const adding = (async () => {
        for (let id = 200; id < 230; id++) {
          const from = log.lines.length;
          log.paid(id, {});
          await publish(from);
        }
      })();
      const [receipt] = await Promise.all([
        eraser.erase({ ...REQUEST, now: true }),
        next.backfill(),
        adding,
      ]);
      expect(receipt.isPurged).toBe(true);
      await expect.poll(() => ask(OTHER).then(Number), { timeout: 60_000 }).toBe(others + 30);
      isAsking = false;
      await asking;
      await runner.stop();
      // the history may be some changes behind
      await catchUp(writer);

      // the reference: the whole log in stores of their own, and the same erasure
      const reference = join(folder, "reference");
      mkdirSync(reference);
      const { store: expected } = await openPersonal(reference);
      const readable = log.lines.filter((line) => !line.endsWith('Quibble","headers":{}}'));
      writeFileSync(topicPath(reference), `${readable.join("\n")}\n`);
      await runTopic(expected, topicPath(reference));
      await expected.erase({ ...REQUEST, now: true });
      const answers = await personalAnswers(expected);
      expect(await personalAnswers(served)).toEqual(answers);
      expect(Number(await ask(ERASED))).toBe(0);
      expect(seen.filter((num) => num < others || num > others + 30)).toEqual([]);
      for (const [store, view] of [
        [old, older],
        [next, newer],
      ] as const) {
        expect(Number(await numOf(store, view, ERASED))).toBe(0);
        expect(Number(await numOf(store, view, OTHER))).toBe(others + 30);
      }

      // the topic is read again, into a new online store beside the lake
      const again = await open("second", personalDefinitions);
      await catchUp(again);
      expect(await personalAnswers(again)).toEqual(answers);

      const rows = new Map<string, number>();
      const { offline } = realStores(folder, {}, objects);
      for (const name of ["payments", "profiles"])
        for (const table of ["changes", "versions"])
          rows.set(`${name}_${table}`, (await offline.state(`${name}/${table}`))!.rows);
      await server.close();
      for (const store of [...stores, expected]) await store.close();
      for await (const { key } of objects.list("")) {
        const path = join(folder, "downloaded", key);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, (await objects.read(key))!);
      }
      const left = async (needles: typeof PERSONAL): Promise<string[]> =>
        (await findBytes(folder, needles)).filter((one) => !one.includes(" in reference/"));
      expect(await left(PERSONAL)).toEqual([]);
      expect((await left(OTHERS)).length).toBeGreaterThan(3);

      const trino = await startingTrino;
      const schema = prefix.slice(0, -1).replaceAll("-", "_");
      const location = `s3://${bucket.bucket}/lake`;
      const tables = historyTables(["payments", "profiles"], location);
      await registerTables({ url: trino.url, catalog: "lake", schema, tables });
      const query = (sql: string) => queryTrino({ url: trino.url }, sql);
      for (const [table, all] of rows) {
        const own = table.endsWith("changes")
          ? `_row LIKE '%${ERASED.tenant}%' OR _key LIKE '%${ERASED.tenant}%'`
          : `tenant = '${ERASED.tenant}' OR person_id = ${ERASED.person_id}`;
        const sql = `SELECT count(*), count_if(${own}) FROM lake.${schema}.${table}`;
        const [found] = await query(sql);
        expect(found!.map(Number), table).toEqual([all, 0]);
      }
      const stays =
        `SELECT count(DISTINCT id) FROM lake.${schema}.payments_versions ` +
        `WHERE NOT _deleted AND _known_to IS NULL AND tenant = '${OTHER.tenant}'`;
      expect(Number((await query(stays))[0]![0])).toBeGreaterThan(60);
    }),
  );
});
