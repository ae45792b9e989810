#!/usr/bin/env node
// This file runs on every Node from 14 on: no newer syntax, and no import of anything newer.
import { unsupportedNode } from "./node-version.ts";

const refusal = unsupportedNode(process.versions.node);
if (refusal === null) {
  void import("./main.ts");
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
