#!/usr/bin/env node
// Every Node from 14 on runs this file. It uses no newer syntax, and imports nothing newer.
import { unsupportedNode } from "./node-version.ts";

const refusal = unsupportedNode(process.versions.node);
if (refusal === null) {
  void import("./main.ts");
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
