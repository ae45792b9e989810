/**
 * Computes features over many events, of which one entity has a third, in a process that the
 * operating system gives 512 MiB. The answers are compared with plain loops. `--features` is one of
 * those of `hot-entity.ts`: windows with an end, without one, the same as known, or facts.
 *
 *     npm run bench -- memory [--events 100000000] [--limit 128] [--workers 0]
 *       [--features reach | lifetime | known | latest]
 */
import { startNode } from "@tidemark/testkit/child-process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: given } = parseArgs({
  options: {
    events: { type: "string", default: "100000000" },
    limit: { type: "string", default: "128" },
    workers: { type: "string", default: "0" },
    features: { type: "string", default: "reach" },
  },
});
const PROCESS_MIB = 512;

/** A group of processes with a limit of memory, in the first or the second form of Linux. */
interface MemoryGroup {
  readonly folder: string;
  /** The file that takes the limit. */
  readonly limit: string;
}

function memoryGroup(): MemoryGroup | null {
  const name = `tidemark-bench-${process.pid}`;
  const forms = [
    { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
    { root: "/sys/fs/cgroup", limit: "memory.max" },
  ];
  for (const { root, limit } of forms) {
    if (!existsSync(root)) continue;
    const folder = join(root, name);
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, limit), String(PROCESS_MIB * 2 ** 20));
      return { folder, limit };
    } catch {
      if (existsSync(folder)) rmdirSync(folder);
    }
  }
  return null;
}

const group = memoryGroup();
if (group === null) {
  console.error("this user cannot make a cgroup with a limit of memory; run it as root on Linux");
  process.exit(2);
}
try {
  const program = join(import.meta.dirname, "../packages/core/test/engine/hot-entity.ts");
  const began = performance.now();
  const enter = `echo $$ > ${join(group.folder, "cgroup.procs")}; exec "$@"`;
  const child = startNode(program, [given.events, given.limit, given.workers, given.features], {
    through: ["bash", "-c", enter, "limited"],
  });
  const { code, how, stdout, output } = await child.ended;
  if (code !== 0) throw new Error(`the process ended with ${how}: ${output}`);
  const granted = readFileSync(join(group.folder, group.limit), "utf8").trim();
  console.log(
    JSON.stringify({
      bench: "memory",
      events: Number(given.events),
      memoryLimitMiB: Number(given.limit),
      workers: Number(given.workers),
      features: given.features,
      processMiB: Number(granted) / 2 ** 20,
      seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
      ...(JSON.parse(stdout) as object),
    }),
  );
} finally {
  rmdirSync(group.folder);
}
