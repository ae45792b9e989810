/** Writes and reads tar archives of a few files. */
import { TidemarkError } from "@tidemark/core";

/** A file of an archive. */
export interface TarFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isExecutable: boolean;
}

const BLOCK = 512;

/** The bytes of an archive. They depend on the files alone, not on the time or the user. */
export function* tarOf(files: readonly TarFile[]): Generator<Uint8Array> {
  for (const file of files) {
    yield header(file);
    yield file.bytes;
    yield new Uint8Array(-file.bytes.length & (BLOCK - 1));
  }
  yield new Uint8Array(2 * BLOCK);
}

function header({ name, bytes, isExecutable }: TarFile): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, "0"), at);
  };
  block.write(name, 0);
  octal(isExecutable ? 0o755 : 0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(bytes.length, 124, 11);
  octal(0, 136, 11);
  block.write("        0", 148);
  block.write("ustar", 257);
  block.write("00", 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/**
 * The bytes of one file of an archive; null: the archive has no such file.
 *
 * @throws ARCHIVE_INVALID when the bytes are no archive.
 */
export function fileOfTar(archive: Uint8Array, name: string): Uint8Array | null {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const text = (from: number, length: number): string =>
      bytes.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    const start = at + BLOCK;
    if (text(257, 5) !== "ustar" || !(size >= 0) || start + size > bytes.length)
      throw new TidemarkError("ARCHIVE_INVALID", "the archive is damaged; make it again");
    if (text(0, 100) === name) return bytes.subarray(start, start + size);
    at = start + size + (-size & (BLOCK - 1));
  }
  return null;
}
