/**
 * Checks law 11 on seeds until one breaks it, with one fault planted in the sources:
 * `find-breach.ts FAULT FIRST-SEED SEEDS`. The program prints how many seeds it took, 0 if none
 * broke it, and the codes of the refusals.
 */
import { registerHooks } from "node:module";
import { withFault } from "../planted-faults.ts";
import { changeFaults } from "./planted-faults.ts";

const [name, first, seeds] = process.argv.slice(2);
const fault = changeFaults.find((one) => one.name === name);
if (fault === undefined) throw new Error(`no fault is called "${name}"`);
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(`/packages/core/src/${fault.file}`)) return loaded;
    return { ...loaded, source: withFault(fault, String(loaded.source)) };
  },
});
const { checkChanges } = await import("./change-law.ts");

const refusals = new Set<string>();
const breaches: string[] = [];
let seedsTried = 0;
while (seedsTried < Number(seeds) && breaches.length === 0) {
  try {
    breaches.push(
      ...(await checkChanges(Number(first) + seedsTried, {
        ...(fault.kinds === undefined ? {} : { kinds: fault.kinds }),
        onRefusal: (code) => void refusals.add(code),
      })),
    );
  } catch (error) {
    breaches.push(String(error)); // a path that throws is noticed as well
  }
  seedsTried++;
}
const found = breaches.length === 0 ? 0 : seedsTried;
console.log(JSON.stringify({ found, breach: breaches[0] ?? null, refusals: [...refusals] }));
