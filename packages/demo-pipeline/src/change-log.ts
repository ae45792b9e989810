/** Writes the bank's change log to disk: a gzipped file of JSON lines for each topic. */
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { bankCommits, type BankSettings } from "./bank.ts";
import { debeziumMessages, TABLES, topicOf, type Table } from "./debezium.ts";

export interface ChangeLog {
  /** The files, in the order in which they are read. */
  readonly files: readonly string[];
  readonly messages: number;
  /** The size before gzip. */
  readonly bytes: number;
}

const CHUNK = 256 * 1024;

export async function writeChangeLog(
  settings: BankSettings,
  directory: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ChangeLog> {
  await mkdir(directory, { recursive: true });
  const files = new Map(
    TABLES.map((table) => [
      table,
      topicFile(join(directory, `${topicOf(table)}.jsonl.gz`), signal),
    ]),
  );
  const toMessages = debeziumMessages();
  let messages = 0;
  let bytes = 0;
  for (const commit of bankCommits(settings)) {
    for (const { table, line } of toMessages(commit)) {
      messages++;
      bytes += line.length + 1;
      await files.get(table)!.write(line);
    }
  }
  for (const file of files.values()) await file.end();
  return { files: TABLES.map((table: Table) => files.get(table)!.path), messages, bytes };
}

interface TopicFile {
  readonly path: string;
  write(line: string): void | Promise<void>;
  end(): Promise<void>;
}

function topicFile(path: string, signal: AbortSignal | undefined): TopicFile {
  const input = new PassThrough();
  const written = pipeline(input, createGzip({ level: 1 }), createWriteStream(path), { signal });
  written.catch(() => undefined); // the error is thrown where the write is awaited
  let chunk = "";
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted();
    const full = !input.write(chunk);
    chunk = "";
    if (full)
      await Promise.race([
        new Promise<void>((resolve) => {
          input.once("drain", resolve);
        }),
        written,
      ]);
  };
  return {
    path,
    write(line) {
      chunk += `${line}\n`;
      if (chunk.length >= CHUNK) return flush();
    },
    async end() {
      await flush();
      input.end();
      await written;
    },
  };
}
