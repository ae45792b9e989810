/**
 * Starts a Trino in a container, with the catalog `lake` of docker/compose.yaml: Delta tables in
 * the MinIO of its network.
 */
import { readFileSync } from "node:fs";
import { images } from "./images.ts";
import type { Minio } from "./minio.ts";
import type { Network } from "./network.ts";
import { freePorts } from "./process.ts";
import type { Service } from "./service.ts";

/** Starts a Trino in a container. */
export async function startTrinoContainer({
  network,
  minio,
}: {
  readonly network: Network;
  readonly minio: Minio;
}): Promise<Service & { readonly url: string }> {
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const catalog = readFileSync(
    new URL("../../../docker/trino/lake.properties", import.meta.url),
    "utf8",
  );
  const running = await network.container({
    name: "trino",
    image: images.trino,
    ports: [{ container: 8080, host: port }],
    files: { "/etc/trino/catalog/lake.properties": catalog },
    env: {
      MINIO_ROOT_USER: minio.credentials.accessKeyId,
      MINIO_ROOT_PASSWORD: minio.credentials.secretAccessKey,
    },
    memory: 3,
    ready: () => trinoAnswers(url),
    readyTimeout: 600,
  });
  return { ...running, url };
}

/**
 * Returns whether Trino answers a query. A new Trino needs a while before it finds its own node.
 */
export async function trinoAnswers(url: string): Promise<boolean> {
  try {
    let next: string | undefined = `${url}/v1/statement`;
    let rows = 0;
    for (let body: string | undefined = "SELECT 1"; next !== undefined; body = undefined) {
      const response = await fetch(next, {
        method: body === undefined ? "GET" : "POST",
        headers: { "X-Trino-User": "tidemark" },
        ...(body === undefined ? {} : { body }),
      });
      if (!response.ok) return false;
      const answer = (await response.json()) as {
        readonly nextUri?: string;
        readonly data?: readonly unknown[];
      };
      rows += answer.data?.length ?? 0;
      next = answer.nextUri;
    }
    return rows === 1;
  } catch {
    return false;
  }
}
