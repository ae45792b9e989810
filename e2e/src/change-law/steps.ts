/** What may happen between two questions, apart from edits of the definitions. */
import { isTidemarkError } from "@tidemark/core";
import { editKinds, type EditKind, type Random } from "@tidemark/testkit";
import { hasCommand, withCommands } from "./commands.ts";
import type { Process, World } from "./world.ts";

/** What a step draws from. */
export interface StepContext {
  readonly random: Random;
  /** Copies of the stores, taken at earlier steps. */
  readonly copies: Readonly<Record<"online" | "offline" | "both", (() => Promise<void>)[]>>;
}

/** Does something to the world. Null: there is nothing to do it to. Else what went wrong. */
type Step = (world: World, context: StepContext) => Promise<readonly string[] | null>;

const MOST_WRITES = 12;

/** The steps by kind. */
export const steps: Readonly<Record<StepKind, Step>> = {
  "old process runs": (world, { random }) =>
    byOldProcess(world, random, async (process) => {
      world.log.deliver(random.between(1, 20));
      return withCommands(world, process, () => world.run(process));
    }),
  "old process compacts": (world, { random }) =>
    byOldProcess(world, random, async (process) => compact(world, process)),
  "old process fills": (world, { random }) =>
    byOldProcess(world, random, async (process) => fill(world, process)),
  "a process fills while another runs": async (world, { random }) => {
    world.log.deliver(random.between(1, 20));
    const [filler, runner] = [random.pick(world.processes), random.pick(world.processes)];
    const ended = await Promise.allSettled([world.backfill(filler), world.run(runner)]);
    for (const one of ended)
      if (one.status === "rejected" && !isContention(one.reason)) throw one.reason;
    await withCommands(world, filler, () => world.backfill(filler));
    return withCommands(world, runner, () => world.run(runner));
  },
  "newest process compacts": async (world) => {
    await compact(world, world.newest);
    return [];
  },
  "newest process fills": async (world) => {
    await fill(world, world.newest);
    return [];
  },
  "newest process applies": async (world) => {
    const { newest } = world;
    await withCommands(world, newest, () => newest.store.apply({ allowDestructive: true }));
    return [];
  },
  "process restarts": async (world, { random }) => {
    await world.restart(random.pick(world.processes));
    return [];
  },
  "process ends": async (world, { random }) => {
    if (world.processes.length < 2) return null;
    await world.end(random.pick(world.processes));
    return [];
  },
  "run is killed": async (world, { random }) => {
    world.log.deliver(random.between(5, 30));
    await kill(world, "run", random, MOST_WRITES);
    return [];
  },
  "backfill is killed": async (world, { random }) => {
    await kill(world, "backfill", random, MOST_WRITES);
    return [];
  },
  "run between two parts of a backfill": async (world, { random }) => {
    await kill(world, "backfill", random, MOST_WRITES, world.newest);
    world.log.deliver(random.between(5, 20));
    const runner = random.pick(world.processes);
    await withCommands(world, runner, () => world.run(runner));
    await fill(world, world.newest);
    return [];
  },
  "run into an empty store is killed": async (world, { random }) => {
    if (!world.mayLose("online")) return null;
    await world.remove("online");
    await kill(world, "run", random, MOST_WRITES);
    return [];
  },
  "compaction is killed": async (world, { random }) => {
    await kill(world, "compaction", random, 2);
    return [];
  },
  "entity is erased": async (world, { random, copies }) => {
    if (world.storesChanged) return null;
    const process = random.pick(world.processes);
    const view = random.pick(process.definitions.views);
    const request = random.pick(world.scenario.requests);
    const erase = await world.beginErasure(process, view, request);
    if (erase === null) return null;
    await withCommands(world, process, erase);
    // an older copy has the rows
    for (const list of Object.values(copies)) list.length = 0;
    return [];
  },
  "online store is deleted": async (world) => {
    if (!world.mayLose("online")) return null;
    await world.remove("online");
    return [];
  },
  "online store is restored": (_, { random, copies }) => restored(copies.online, random),
  "history is deleted": async (world) => {
    // A new history begins from the log only if the log has every offset.
    if (!world.log.isWhole || !world.mayLose("offline")) return null;
    await world.remove("offline");
    return [];
  },
  "history is restored": (_, { random, copies }) => restored(copies.offline, random),
  "both stores are restored": (_, { random, copies }) => restored(copies.both, random),
};

/** The kind of a step. */
export type StepKind =
  | "old process runs"
  | "old process compacts"
  | "old process fills"
  | "a process fills while another runs"
  | "newest process compacts"
  | "newest process fills"
  | "newest process applies"
  | "process restarts"
  | "process ends"
  | "run is killed"
  | "backfill is killed"
  | "run between two parts of a backfill"
  | "run into an empty store is killed"
  | "compaction is killed"
  | "entity is erased"
  | "online store is deleted"
  | "online store is restored"
  | "history is deleted"
  | "history is restored"
  | "both stores are restored";

/** The kinds of steps. */
const stepKinds: readonly StepKind[] = Object.keys(steps) as StepKind[];

/** Every kind of step and edit. */
export const changeKindsOfLaw11: readonly (EditKind | StepKind)[] = [...editKinds, ...stepKinds];

async function byOldProcess(
  { processes }: World,
  random: Random,
  act: (process: Process) => Promise<readonly string[] | void>,
): Promise<readonly string[] | null> {
  if (processes.length < 2) return null;
  return (await act(random.pick(processes.slice(0, -1)))) ?? [];
}

/** Says whether one of two processes made way for the other. */
function isContention(error: unknown): boolean {
  return (
    isTidemarkError(error) &&
    (/_(FENCED|CONTENDED|OVERTAKEN)$/.test(error.code) || hasCommand(error.code))
  );
}

async function compact(world: World, process: Process): Promise<void> {
  await withCommands(world, process, () => process.store.compact());
}

async function fill(world: World, process: Process): Promise<void> {
  await withCommands(world, process, () => world.backfill(process));
}

async function kill(
  world: World,
  during: "run" | "backfill" | "compaction",
  random: Random,
  mostWrites: number,
  process: Process = random.pick(world.processes),
): Promise<void> {
  const death = { left: random.int(mostWrites), afterWrite: random.chance(0.5) };
  await withCommands(world, process, () => world.killed(process, during, death));
}

async function restored(
  copies: readonly (() => Promise<void>)[],
  random: Random,
): Promise<readonly string[] | null> {
  if (copies.length === 0) return null;
  await random.pick(copies)();
  return [];
}
