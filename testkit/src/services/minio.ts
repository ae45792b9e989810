/** Starts a MinIO of one drive, built from its Go module: MinIO publishes no binaries any more. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { images } from "./images.ts";
import type { Network } from "./network.ts";
import { dataFolder, freePorts, processService } from "./process.ts";
import type { Service } from "./service.ts";

/** The version of the module github.com/minio/minio. */
const MINIO = "v0.0.0-20260212201848-7aac2a2c5b7c";
const home = join(
  fileURLToPath(new URL("../../..", import.meta.url)),
  ".tidemark",
  "services",
  "bin",
);
const built = join(
  home,
  `minio-${MINIO.split("-").at(-1)}${process.platform === "win32" ? ".exe" : ""}`,
);

const run = promisify(execFile);

/** A running MinIO. */
export interface Minio extends Service {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The address for the other services. */
  readonly inside: { readonly endpoint: string };
  createBucket(name: string): Promise<void>;
}

/** The options of a MinIO. */
export interface MinioOptions {
  /** The network of the container. Default: MinIO is a process. */
  readonly network?: Network | undefined;
}

/** Returns MinIO's program; null if it is not installed. TIDEMARK_MINIO names another one. */
export function minioProgram(): string | null {
  const path = process.env["TIDEMARK_MINIO"] ?? built;
  return existsSync(path) ? path : null;
}

/**
 * Returns the Go program; null if this machine has none. The PATH is searched, then the folder of
 * Go's installer.
 */
export async function goProgram(): Promise<string | null> {
  for (const name of ["go", "/usr/local/go/bin/go"])
    if (
      await run(name, ["version"]).then(
        () => true,
        () => false,
      )
    )
      return name;
  return null;
}

/**
 * Builds MinIO once: four minutes on two cores, seconds if Go's cache is filled. A half-made
 * program never appears under its name.
 */
export async function buildMinio(go: string): Promise<void> {
  if (existsSync(built)) return;
  mkdirSync(home, { recursive: true });
  const temporary = mkdtempSync(join(home, "building-"));
  try {
    const env = { ...process.env, GOBIN: temporary, CGO_ENABLED: "0", GOFLAGS: "" };
    await run(
      go,
      [
        "install",
        "-trimpath",
        "-gcflags=all=-dwarf=false",
        "-ldflags",
        "-s -w",
        `github.com/minio/minio@${MINIO}`,
      ],
      { cwd: temporary, env, maxBuffer: 1 << 26 },
    );
    renameSync(join(temporary, process.platform === "win32" ? "minio.exe" : "minio"), built);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Starts a MinIO. */
export async function startMinio({ network }: MinioOptions = {}): Promise<Minio> {
  const [port] = (await freePorts(1)) as [number];
  const endpoint = `http://127.0.0.1:${port}`;
  const region = "us-east-1";
  const credentials = { accessKeyId: "tidemark", secretAccessKey: "tidemark-secret" };
  const env = {
    MINIO_ROOT_USER: credentials.accessKeyId,
    MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
    MINIO_BROWSER: "off",
    MINIO_UPDATE: "off",
  };
  const ready = (): Promise<boolean> =>
    fetch(`${endpoint}/minio/health/cluster`).then(
      ({ ok }) => ok,
      () => false,
    );
  const running = await (network === undefined
    ? asProcess(port, env, ready)
    : network.container({
        name: "minio",
        image: images.minio,
        command: ["server", "/data"],
        env,
        ports: [{ container: 9000, host: port }],
        ready,
      }));
  return {
    ...running,
    endpoint,
    region,
    credentials,
    inside: { endpoint: network === undefined ? endpoint : "http://minio:9000" },
    createBucket: (name) => createBucket({ endpoint, region, credentials }, name),
  };
}

/** Makes a bucket. */
export async function createBucket(
  minio: Pick<Minio, "endpoint" | "region" | "credentials">,
  Bucket: string,
): Promise<void> {
  const client = new S3Client({ ...minio, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket }));
  client.destroy();
}

async function asProcess(
  port: number,
  env: Readonly<Record<string, string>>,
  ready: () => Promise<boolean>,
): Promise<Service> {
  const program = minioProgram();
  if (program === null)
    throw new Error(
      "minio: it was not built on this machine; `npm run setup:services` builds it, with Go",
    );
  const folder = dataFolder("minio");
  return processService({
    name: "minio",
    command: program,
    args: ["server", join(folder, "data"), "--address", `127.0.0.1:${port}`],
    folder,
    env: { ...process.env, ...env, HOME: folder },
    ready,
  });
}
