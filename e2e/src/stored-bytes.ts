/** Searches the bytes of every file under a folder, compressed pages of Parquet files too. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createZstdDecompress } from "node:zlib";

/** Values to search, each with the forms in which a file may hold it. */
export type Needles = ReadonlyMap<string, readonly Buffer[]>;

const ZSTD_FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export const textForms = (text: string): readonly Buffer[] => [
  Buffer.from(text),
  Buffer.from(JSON.stringify(text).slice(1, -1)),
];

export function bytesForms(bytes: Buffer): readonly Buffer[] {
  return [bytes, Buffer.from(bytes.toString("base64")), Buffer.from(bytes.toString("hex"))];
}

/** The text of a number, its bytes in either order, and its variable-length forms. */
export function numberForms(text: string): readonly Buffer[] {
  const whole = BigInt(text.replace(".", ""));
  const digits = whole.toString(16);
  const big = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  const double = Buffer.alloc(8);
  double.writeDoubleBE(Number(text));
  return [
    Buffer.from(text),
    big,
    Buffer.from(big).reverse(),
    double,
    Buffer.from(double).reverse(),
    variableLength(whole),
    variableLength(whole * 2n),
  ];
}

function variableLength(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** The files that hold a needle, as `needle in file`. */
export async function findBytes(folder: string, needles: Needles): Promise<string[]> {
  const found: string[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    const contents = [bytes, ...(await decompressed(bytes))];
    for (const [needle, forms] of needles)
      if (
        forms.some((form) => contents.some((content) => content.includes(form))) ||
        forms.some((form) => name.includes(form.toString("latin1")))
      )
        found.push(`${needle} in ${name}`);
  }
  return found.sort();
}

/** The content of each compressed frame in a file. */
async function decompressed(bytes: Buffer): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  for (let at = bytes.indexOf(ZSTD_FRAME); at >= 0; at = bytes.indexOf(ZSTD_FRAME, at + 4))
    frames.push(await frameAt(bytes.subarray(at)));
  return frames;
}

/** What follows the frame in the file is an error of the decoder, after all of the frame. */
function frameAt(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (): void => {
      resolve(Buffer.concat(chunks));
    };
    createZstdDecompress()
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", done)
      .on("error", done)
      .end(bytes);
  });
}
