/** The commands that refusals name, and the refusals that the law allows (law 11: change). */
import { isTidemarkError } from "@tidemark/core";
import type { Process, World } from "./world.ts";

/** What brings the answer back. */
type Command = (world: World, process: Process) => Promise<unknown>;

const newOnlineStore: Command = async (world, process) => {
  await world.remove("online");
  await world.backfill(process);
};

/** The refusals of features, by code, with the command that helps. */
const featureRefusals: Readonly<Record<string, Command>> = {
  NEEDS_BACKFILL: (world, process) => world.backfill(process),
  NOT_READY: (world, process) => world.run(process),
  HISTORY_BEHIND: (world, process) => world.run(process),
  VERSIONS_OF_OTHER_DEFINITION: applyOrCompact,
};

/** Where definitions were applied, the applied ones rewrite the versions. */
async function applyOrCompact(_: World, { store }: Process): Promise<unknown> {
  if ((await store.applies()).length === 0) return store.compact();
  return store.apply({ allowDestructive: true });
}

/** The refusals of stores that do not belong together, with the command that helps. */
const pairRefusals: Readonly<Record<string, Command>> = {
  HISTORY_MISSING: (world, process) => world.run(process, { newHistory: true }),
  HISTORY_OLDER: (world, process) => world.run(process),
  HISTORY_OF_OTHER_STORE: newOnlineStore,
  ONLINE_STORE_OLDER: (world, process) => world.backfill(process),
};

/** A time that the store does not keep any more. No command brings it back. */
const BEFORE_HORIZON = "ASOF_BEFORE_HORIZON";

/** Says whether the law allows the code on a path. */
export const isRefusal = (code: string): boolean => code === BEFORE_HORIZON || hasCommand(code);

/** Says whether a command leads from the refusal to the answer. */
export const hasCommand = (code: string): boolean =>
  Object.hasOwn(featureRefusals, code) || isOfPair(code);

/** Says whether the code is about two stores, and not about features. */
export const isOfPair = (code: string): boolean => Object.hasOwn(pairRefusals, code);

/**
 * Calls the command of a refusal. If the command is refused by another code, that command is called
 * first. Each command is called once.
 */
export async function callCommand(
  world: World,
  process: Process,
  code: string,
  called: Set<string> = new Set(),
): Promise<void> {
  called.add(code);
  const command = featureRefusals[code] ?? pairRefusals[code]!;
  await withCommands(world, process, () => command(world, process), called);
}

/** Calls `act`. If a refusal has a command, the command is called, and `act` again. */
export async function withCommands<T>(
  world: World,
  process: Process,
  act: () => Promise<T>,
  called: Set<string> = new Set(),
): Promise<T> {
  for (;;)
    try {
      return await act();
    } catch (error) {
      if (!isTidemarkError(error) || !hasCommand(error.code) || called.has(error.code)) throw error;
      if (isOfPair(error.code) && !world.storesChanged) throw error;
      await callCommand(world, process, error.code, called);
    }
}
