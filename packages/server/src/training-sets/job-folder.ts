/**
 * Keeps the files of training sets: for each a folder with its entity rows, its result and its
 * state. Every process of the folder reads the states there, so any of them answers.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredJob } from "./job-types.ts";

/** The files of training sets. */
export interface JobFolder {
  /** The path of the entity rows. */
  rowsFile(id: string): Promise<string>;
  /** The path of the result. */
  resultFile(id: string): Promise<string>;
  /** Makes the folder of a training set. */
  create(id: string): Promise<void>;
  /** Writes the state. It is read whole, or as it was before. */
  write(job: StoredJob): Promise<void>;
  /** Reads the state. null: there is no such training set. */
  read(id: string): Promise<StoredJob | null>;
  /** Reads the states of all training sets. */
  list(): Promise<readonly StoredJob[]>;
  /** The age of the state in ms, by the clock of the machine. */
  age(id: string): Promise<number>;
  /** Removes the training set with its files. */
  remove(id: string): Promise<void>;
  /** Asks the process that computes the training set to abort it. */
  requestAbort(id: string): Promise<void>;
  /** Returns whether a process has asked to abort it. */
  isAbortRequested(id: string): Promise<boolean>;
  /** Removes the folder if this process made it. */
  close(): Promise<void>;
}

const ID = /^[0-9a-f]{32}$/;
const [STATE, ABORT] = ["state.json", "abort"];

/** Opens the folder at its first use. Default: a new folder of the system's temporary files. */
export function jobFolder(given: string | undefined): JobFolder {
  let made: Promise<string> | null = null;

  const root = (): Promise<string> =>
    (made ??=
      given === undefined
        ? mkdtemp(join(tmpdir(), "tidemark-training-sets-"))
        : mkdir(given, { recursive: true, mode: 0o700 }).then(() => given));
  const path = async (id: string, name = ""): Promise<string> => {
    if (!ID.test(id)) throw new Error(`${id} is no id of a training set`);
    return join(await root(), id, name);
  };

  async function read(id: string): Promise<StoredJob | null> {
    if (!ID.test(id)) return null;
    const text = await readFile(await path(id, STATE), "utf8").catch(absent);
    return text === null ? null : (JSON.parse(text) as StoredJob);
  }

  return {
    rowsFile: (id) => path(id, "entities"),
    resultFile: (id) => path(id, "training-set.parquet"),
    async create(id) {
      await mkdir(await path(id), { mode: 0o700 });
    },
    async write(job) {
      const file = await path(job.id, STATE);
      await writeFile(`${file}.tmp`, JSON.stringify(job), { mode: 0o600 });
      await rename(`${file}.tmp`, file);
    },
    read,
    async list() {
      const names = await readdir(await root());
      const jobs = await Promise.all(names.map(read));
      return jobs.filter((job) => job !== null);
    },
    async age(id) {
      return Date.now() - (await stat(await path(id, STATE))).mtimeMs;
    },
    async remove(id) {
      await rm(await path(id), { recursive: true, force: true });
    },
    async requestAbort(id) {
      await writeFile(await path(id, ABORT), "").catch(absent);
    },
    async isAbortRequested(id) {
      return (await stat(await path(id, ABORT)).catch(absent)) !== null;
    },
    async close() {
      if (given === undefined && made !== null)
        await rm(await made, { recursive: true, force: true });
    },
  };
}

/** Returns null if a file is not there. */
function absent(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}
