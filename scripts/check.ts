/**
 * `npm test`: runs every check of the repository as a named step.
 *
 * `npm test -- <filter>` runs only vitest, with that filter. `npm run check -- types lint` runs the
 * named steps. `npm test -- --set-up` first installs what tests need beyond npm. All steps run,
 * even after a failure, except those that need a failed build. The last line counts tests one by
 * one, and every other step as one.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lines } from "./checks/lines.ts";
import { words } from "./checks/words.ts";
import { entries } from "./checks/entries.ts";
import { examples } from "./checks/examples.ts";
import { manifests } from "./checks/manifests.ts";
import { build, packed } from "./checks/packed.ts";
import { projects } from "./checks/projects.ts";
import { type Outcome, type Step, cache, commands, root, run, runTool } from "./checks/step.ts";
import { docs, site } from "./checks/vitepress.ts";
import { vitest } from "./checks/vitest.ts";

const typescript = (project: string) => async () => [
  await runTool("typescript", ["-p", project, "--pretty", "false"], { command: "tsc" }),
];

/** These steps read the sources only, so they run two at a time, before the others. */
const sources: readonly Step[] = [
  commands("types", typescript("tsconfig.json")),
  commands("console", typescript("packages/ui/app/tsconfig.json")),
  commands("declarations", typescript("tsconfig.library.json")),
  commands("lint", async () => [await runTool("oxlint", ["--format=unix"])]),
  commands("format", async () => [await runTool("oxfmt", ["--check"])]),
  commands("unused", async () => [await runTool("knip", ["--no-progress", "--no-config-hints"])]),
  manifests,
  entries,
  examples,
  words,
  lines,
  projects,
  docs,
];

/** What is printed again before the last line, since much output comes between. */
const atEnd: string[] = [];
const total: Outcome = { passed: 0, failed: 0, skipped: 0, output: "" };

async function report(step: Step): Promise<boolean> {
  const started = performance.now();
  const outcome = await step
    .run()
    .catch((error: unknown) => ({
      passed: 0,
      failed: 1,
      skipped: 0,
      output: String((error as Error).stack ?? error),
    }));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.skipped += outcome.skipped;
  console.log(`${outcome.failed === 0 ? "✓" : "✗"} ${step.name} (${seconds} s)`);
  if (outcome.failed > 0 && outcome.output !== "") console.log(outcome.output.trimEnd());
  return outcome.failed === 0;
}

/**
 * Installs what tests need beyond npm, beside the other steps. A program that cannot be had is no
 * failure here: with CI=true the tests that need it fail, by name.
 */
async function setUp(): Promise<void> {
  const node = (script: string): ReturnType<typeof run> =>
    run(process.execPath, [join(root, "scripts/bootstrap.mjs"), `scripts/${script}`]);
  const started = performance.now();
  const done = await Promise.all([node("setup-services.ts"), node("setup-python.ts")]);
  for (const { output } of done) console.log(output.trimEnd());
  if (done.some(({ code }) => code !== 0))
    atEnd.push("the set-up is not whole; its output above says what cannot be had");
  console.log(`  set-up (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

const args = process.argv.slice(2);
const withSetUp = args[0] === "--set-up";
if (withSetUp) args.shift();
const only = args[0] === "--only" ? args.slice(1) : null;
const wanted = (step: Step): boolean => only === null || only.includes(step.name);

if (args.length > 0 && only === null) {
  await report(vitest(args));
} else {
  const names = [...sources, vitest([]), build, ...packed].map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (only?.length === 0 || unknown !== undefined)
    throw new Error(`${unknown ?? "nothing"} is not a check; the checks are ${names.join(", ")}`);

  const ready = withSetUp ? setUp() : Promise.resolve();
  const waiting = sources.filter(wanted);
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift())
      if ((await report(step)) && step === docs) process.env["TIDEMARK_SITE"] = site;
  };
  await Promise.all([work(), work()]);
  const testing = async (): Promise<void> => {
    await ready;
    if (wanted(vitest([]))) await report(vitest([]));
  };
  const packing = async (): Promise<void> => {
    const steps = packed.filter(wanted);
    if (!wanted(build) && steps.length === 0) return;
    if (await report(build)) for (const step of steps) await report(step);
    else for (const step of steps) console.log(`- ${step.name}: not run, the build failed`);
  };
  // tests wait for services much of the time; meanwhile the packages are built
  await Promise.all([testing(), packing()]);
}

const line =
  `${total.passed} passed, ` +
  `${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`;
for (const text of atEnd) console.log(text);
mkdirSync(cache, { recursive: true });
writeFileSync(join(cache, "result.txt"), `${line}\n`);
console.log(`\n${line}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
