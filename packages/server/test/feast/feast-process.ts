/** Runs a Python with Feast, whose online store is a server of ours. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "@tidemark/testkit/child-process";
import { feastClient } from "@tidemark/testkit/needs";

/** The content of Feast's registry. */
export interface FeastRepository {
  readonly views: Readonly<Record<string, FeastView>>;
  /** The features of each view, or null for all. */
  readonly services: Readonly<
    Record<string, readonly (readonly [view: string, features: readonly string[] | null])[]>
  >;
}

/** The parts of `feature_store.yaml` that differ between stores. */
export interface FeastConnection {
  readonly online_store: Readonly<Record<string, unknown>>;
  readonly auth?: Readonly<Record<string, unknown>>;
}

export interface FeastView {
  readonly entity: string;
  readonly key: string;
  readonly key_type: "string" | "int64";
  readonly features: Readonly<Record<string, "float64" | "int64" | "string">>;
  readonly push_source?: string;
}

/** Each value as Python shows it: its type, and its `repr`. */
export interface FeastAnswer {
  readonly values: Readonly<Record<string, readonly (readonly [type: string, shown: string])[]>>;
  /** Numbers of `FieldStatus`. */
  readonly statuses: Readonly<Record<string, readonly number[]>>;
  /** The class of the raised error. */
  readonly error?: string;
  readonly message?: string;
}

export type FeastStore = (question: Readonly<Record<string, unknown>>) => Promise<FeastAnswer>;

export interface FeastProcess {
  /** Makes a `FeatureStore` over the repository. */
  connect(connection: FeastConnection): Promise<FeastStore>;
  close(): Promise<void>;
}

export async function feastProcess(repository: FeastRepository): Promise<FeastProcess> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-feast-"));
  const child = startProgram(feastClient().path, [join(import.meta.dirname, "client.py"), folder], {
    stdin: "pipe",
    env: { FEAST_USAGE: "False" },
  });
  const ask = async (question: Readonly<Record<string, unknown>>): Promise<FeastAnswer> => {
    child.write(`${JSON.stringify(question)}\n`);
    return JSON.parse(await child.line()) as FeastAnswer;
  };
  const done = async (question: Readonly<Record<string, unknown>>): Promise<void> => {
    const { error, message } = await ask(question);
    if (error !== undefined) throw new Error(`the Feast client: ${error}: ${message}`);
  };
  const project = {
    project: "bank",
    provider: "local",
    offline_store: { type: "file" },
    entity_key_serialization_version: 3,
  };
  let stores = 0;
  return {
    async connect(connection) {
      const store = stores++;
      await done({ call: "connect", store, feature_store: { ...project, ...connection } });
      if (store === 0) await done({ call: "apply", store, ...repository });
      return (question) => ask({ store, ...question });
    },
    async close() {
      child.endInput();
      await child.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
