/**
 * The modules of Node that core uses. The functions look them up when they run, so that a browser
 * can load the definitions and the client. The store calls these functions; a browser never does.
 */
import type * as crypto from "node:crypto";
import type * as fs from "node:fs";
import type * as os from "node:os";
import type stream from "node:stream";
import type * as v8 from "node:v8";
import type * as threads from "node:worker_threads";
import type * as zlib from "node:zlib";

export function nodeCrypto(): typeof crypto {
  return process.getBuiltinModule("node:crypto");
}

/** The versions of the data of this runtime: its time zone database, and its Unicode. */
export function runtimeVersions(): { readonly tzdata: string; readonly unicode: string } {
  const { tz = "unknown", unicode = "unknown" } = process.versions;
  return { tzdata: tz, unicode };
}

export function nodeFs(): typeof fs {
  return process.getBuiltinModule("node:fs");
}

export function nodeOs(): typeof os {
  return process.getBuiltinModule("node:os");
}

export function nodeStream(): typeof stream {
  return process.getBuiltinModule("node:stream");
}

export function nodeZlib(): typeof zlib {
  return process.getBuiltinModule("node:zlib");
}

export function nodeV8(): typeof v8 {
  return process.getBuiltinModule("node:v8");
}

export function nodeThreads(): typeof threads {
  return process.getBuiltinModule("node:worker_threads");
}
