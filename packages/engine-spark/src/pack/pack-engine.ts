/** Makes the archive with Node and the kernel, which Spark brings to its machines. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gunzip } from "node:zlib";
import { TidemarkError } from "@tidemark/core";
import { kernelFile } from "../kernel-command.ts";
import { fileOfTar, tarOf, type TarFile } from "./tar.ts";
import { nodeBinary, thisPlatform } from "./node-binary.ts";

/** What to pack. */
export interface PackEngineOptions {
  /** The file of the archive, such as `node.tar.gz`. An archive that is there is replaced. */
  readonly out: string;
  /** The machines of the cluster: `linux-x64` or `linux-arm64`. Default: those of this machine. */
  readonly platform?: string | undefined;
  /**
   * The file of a Node for that platform. Default: the Node of this process if the platform is the
   * same, or else a package of the npm registry.
   */
  readonly node?: string | undefined;
  /** The file of the kernel. Default: that of this package. */
  readonly kernel?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A packed archive. */
export interface PackedEngine {
  readonly out: string;
  readonly platform: string;
  /** The file or the package that Node came from. */
  readonly node: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The SHA-256 of the kernel in the archive. */
  readonly kernel: string;
}

/** The names of the files in the archive. */
export const ARCHIVE = { node: "bin/node", kernel: "kernel.js" } as const;

/**
 * Packs Node and the kernel into a `.tar.gz`, for `sparkEngine({ archive })`. Spark unpacks it on
 * each of its machines, so that these need no Node of their own.
 *
 * @throws NODE_UNAVAILABLE when npm cannot bring the Node of another platform.
 *
 * @example
 * const { sha256 } = await packEngine({ platform: "linux-x64", out: "node.tar.gz" });
 */
export async function packEngine({
  out,
  platform = thisPlatform,
  node,
  kernel = kernelFile(),
  signal,
}: PackEngineOptions): Promise<PackedEngine> {
  if (!kernel.endsWith(".js"))
    throw new TidemarkError(
      "OPTION_INVALID",
      `${basename(kernel)} is the source of the kernel; build @tidemark/engine-spark, and give ` +
        "its dist/kernel.js",
    );
  const program = await nodeBinary(platform, { file: node, signal });
  const code = await readFile(kernel, { signal });
  const files: readonly TarFile[] = [
    { name: ARCHIVE.node, bytes: program.bytes, isExecutable: true },
    { name: ARCHIVE.kernel, bytes: code, isExecutable: false },
  ];
  const temporary = `${out}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    await pipeline(Readable.from(tarOf(files)), createGzip(), file.createWriteStream(), {
      signal: signal as AbortSignal,
    });
    await rename(temporary, out);
  } finally {
    await rm(temporary, { force: true });
  }
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(out) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return {
    out,
    platform,
    node: program.from,
    bytes,
    sha256: hash.digest("hex"),
    kernel: createHash("sha256").update(code).digest("hex"),
  };
}

/** The kernel of an archive. */
export async function kernelOfArchive(archive: string): Promise<Uint8Array> {
  const unpacked = readFile(archive).then((bytes) => promisify(gunzip)(bytes));
  const bytes = await unpacked.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new TidemarkError(
        "ARCHIVE_INVALID",
        `there is no archive ${archive}; make it with tidemark engine pack`,
      );
    throw new TidemarkError(
      "ARCHIVE_INVALID",
      `${archive} is no .tar.gz; make it with tidemark engine pack`,
      { cause: error },
    );
  });
  const kernel = fileOfTar(bytes, ARCHIVE.kernel);
  if (kernel === null)
    throw new TidemarkError(
      "ARCHIVE_INVALID",
      `${archive} has no kernel; make it with tidemark engine pack`,
    );
  return kernel;
}
