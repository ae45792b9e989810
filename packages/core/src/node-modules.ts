/**
 * The modules of Node that core uses. The functions look them up when they run, so that a browser
 * can load the definitions and the client. The store calls these functions; a browser never does.
 */
import type * as crypto from "node:crypto";
import type * as os from "node:os";

export function nodeCrypto(): typeof crypto {
  return process.getBuiltinModule("node:crypto");
}

export function nodeOs(): typeof os {
  return process.getBuiltinModule("node:os");
}
