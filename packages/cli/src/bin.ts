#!/usr/bin/env node
import { tidemark } from "./command-line.ts";

const interruption = new AbortController();
// The first signal lets the command take its files away; the second ends it as Node does.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => { interruption.abort(); });
process.exitCode = await tidemark(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, signal: interruption.signal });
