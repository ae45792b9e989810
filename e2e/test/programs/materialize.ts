/**
 * Materializes days of a folder's bank, and dies at the n-th point of its stores. Without such a
 * point the program prints how many there were.
 */
import type { MaterializeOptions } from "@tidemark/core";
import { openBank } from "../../src/materialize-bank.ts";

interface Settings {
  readonly folder: string;
  readonly options: MaterializeOptions;
  readonly dieAt: number;
}

const { folder, options, dieAt } = JSON.parse(process.argv[2]!) as Settings;
let points = 0;
const pass = (): void => {
  if (++points === dieAt) process.kill(process.pid, "SIGKILL");
};
const store = await openBank(folder, { sqlite: pass, delta: pass, objects: pass });
points = 0;
await store.materialize(options);
process.stdout.write(String(points));
await store.close();
process.exit(0);
