/**
 * Law 11 for one seed: definitions, stores and processes change between segments of a log, and
 * after each step every process is asked on every path.
 */
import { memoryData, fileData } from "./stored-data.ts";
import {
  definitionEdits,
  firstDefinitions,
  generateScenario,
  Random,
  redefinedChanges,
  type DefinitionSet,
  type EditKind,
  type OracleRequest,
  type Scenario,
} from "@tidemark/testkit";
import type { SourceSpec, Value } from "@tidemark/core/spi";
import { inFolder } from "../real-stores.ts";
import { ask, askedPaths, errorText, type AskedPath } from "./asking.ts";
import { callCommand, hasCommand, withCommands } from "./commands.ts";
import { changeKindsOfLaw11, steps, type StepContext, type StepKind } from "./steps.ts";
import { World, type Process } from "./world.ts";

export interface ChangeLawOptions {
  /** Whether the stores are SQLite and Delta. Default: stores in memory. */
  readonly real?: boolean;
  /** The number of steps; 36 by default. */
  readonly steps?: number;
  /** The kinds of edits and steps. Default: all. */
  readonly kinds?: readonly (EditKind | StepKind)[];
  /** The paths that are asked; all by default. */
  readonly paths?: readonly AskedPath[];
  /** Whether the commands that refusals name are called; true by default. */
  readonly callCommands?: boolean;
  /** Lets features aggregate functions of columns. Omitted: they aggregate columns. */
  readonly computed?: boolean;
  /** Called with the kind of each edit and step that was made. */
  readonly onChange?: (kind: EditKind | StepKind) => void;
  /** Called with the code of each refusal. */
  readonly onRefusal?: (code: string) => void;
  /** Called with the number of answers that were compared. */
  readonly onAnswers?: (count: number) => void;
  /** Called after each step, before the questions. */
  readonly onWorld?: (world: World) => void;
  /** Called with each step, in words. */
  readonly onTrace?: (text: string) => void;
}

/** Kinds that many definitions or stores do not allow, so that they come up more often. */
const rareKinds: readonly (EditKind | StepKind)[] = [
  "other tie column",
  "other tie column",
  "other tie column",
  "other event time",
  "other primary key",
  "other primary key",
  "entity is erased",
  "entity is erased",
  "online store is restored",
  "history is restored",
  "both stores are restored",
];
/** The most processes at one time. */
const MOST_PROCESSES = 3;
const REQUESTS = 3;

/**
 * Checks one seed. Gives each breach of the law as a sentence, and ends at the first step with a
 * breach.
 */
export async function checkChanges(
  seed: number,
  options: ChangeLawOptions = {},
): Promise<readonly string[]> {
  return inFolder(async (folder) => {
    const random = new Random(seed ^ 0x11_11);
    const erases = random.chance(0.5);
    const scenario = changingScenario(seed, random, erases, options.computed === true);
    const world = new World({
      scenario,
      data: options.real === true ? fileData(folder) : memoryData(),
      folder,
      retention: random.pick(["forever", "forever", "1d", "7d"] as const),
      hasLongLogs: random.chance(0.3),
    });
    const trace: string[] = [];
    const note = (text: string): void => {
      trace.push(text);
      options.onTrace?.(text);
    };
    try {
      const failures = await checkWorld(world, random, { ...options, erases }, note);
      return failures.map((text) => `seed ${seed}, after ${trace.join(" → ")}: ${text}`);
    } finally {
      await world.close().catch(() => undefined);
    }
  });
}

/**
 * A short log. In one of three, the changes of all rows have one order. Where entities are erased,
 * each row is whole: a row that belonged to an erased entity before may keep a column of then.
 * Commit times ascend too: an erased version may have raised the known from of a later one (law 6).
 * All changes of a row are in one partition: nothing of a row that was erased wholly keeps an older
 * change away which another partition brings later.
 */
function changingScenario(
  seed: number,
  random: Random,
  erases: boolean,
  computed: boolean,
): Scenario {
  const changes = random.between(20, 45);
  const oneOrder = {
    serial: true,
    partitions: 1,
    partitionAdded: false,
    withoutLsn: false,
    clockGoesBack: false,
    redelivered: false,
    incremental: false,
    gap: false,
    before: "unknown rows",
    toastMarkers: false,
  } as const;
  const hasToast = random.chance(0.5);
  return generateScenario(seed, {
    traits: {
      changes,
      computed,
      ...(random.chance(1 / 3) ? oneOrder : hasToast ? { toastMarkers: true } : {}),
      ...(erases ? { toastMarkers: false, clockGoesBack: false, partitionAdded: false } : {}),
    },
  });
}

async function checkWorld(
  world: World,
  random: Random,
  options: ChangeLawOptions & { readonly erases: boolean },
  note: (text: string) => void,
): Promise<readonly string[]> {
  const { scenario } = world;
  const copies: StepContext["copies"] = { online: [], offline: [], both: [] };
  const dropped: DefinitionSet["views"][number][] = [];
  const all = options.kinds ?? [...changeKindsOfLaw11, ...rareKinds];
  const kinds = kindsInTurn(
    random,
    options.erases ? all : all.filter((kind) => kind !== "entity is erased"),
  );
  world.log.deliver(Math.floor(scenario.lines.length * (0.3 + 0.4 * random.fraction())));
  await world.start(firstDefinitions(random, scenario));
  await world.run(world.newest);

  const most = options.steps ?? 36;
  for (let number = 1, made = 0; made < most && number < most * 4; number++) {
    const kind = kinds();
    const failures: string[] = [];
    try {
      const done = isEdit(kind)
        ? await edit(kind, number)
        : await steps[kind](world, { random, copies });
      if (done === null) continue;
      made++;
      note(kind);
      options.onChange?.(kind);
      failures.push(...done);
      if (random.chance(0.4)) {
        world.log.deliver(random.between(1, 15));
        const process = random.pick(world.processes);
        note(`${process.name} runs`);
        failures.push(...(await withCommands(world, process, () => world.run(process))));
      }
    } catch (error) {
      return [`${kind}: ${errorText(error)}`];
    }
    options.onWorld?.(world);
    failures.push(...(await askEveryone()));
    if (failures.length > 0) return failures;
    if (random.chance(0.2)) copies.online.push(await world.copy("online"));
    if (random.chance(0.2) && (await world.mayRestoreHistory()))
      copies.offline.push(await world.copy("offline"));
    if (random.chance(0.2)) copies.both.push(await world.copy("online", "offline"));
  }
  return [];

  async function edit(kind: EditKind, number: number): Promise<readonly string[] | null> {
    const before = world.newest.definitions;
    const after = definitionEdits[kind](before, {
      random,
      scenario,
      valuesOf: (source, column) => valuesOf(scenario, source, column),
      dropped,
      number,
    });
    if (after === null || !world.knowsErased(after)) return null;
    dropped.push(...before.views.filter(({ name }) => !after.views.some((v) => v.name === name)));
    if (world.processes.length === MOST_PROCESSES)
      await world.end(random.pick(world.processes.slice(0, -1)));
    await world.start(after, random.chance(0.2));
    return [];
  }

  async function askEveryone(): Promise<string[]> {
    const failures: string[] = [];
    // Refusals may also stand, so that the next step meets the stores as they are.
    const isHelping = random.chance(0.55);
    for (const process of world.processes)
      for (const path of options.paths ?? askedPaths) {
        const requests = requestsOf(world, random);
        const first = await ask(world, process, path, requests);
        options.onAnswers?.(first.answers);
        failures.push(...first.failures);
        for (const { code } of first.refusals) options.onRefusal?.(code);
        const code = first.refusals.find((refusal) => hasCommand(refusal.code))?.code;
        if (code === undefined || failures.length > 0 || options.callCommands === false) continue;
        if (!isHelping) continue;
        failures.push(...(await helped(process, path, requests, code)));
      }
    return failures;
  }

  /** Calls the commands that refusals name, until the path answers (law 11). */
  async function helped(
    process: Process,
    path: AskedPath,
    requests: readonly OracleRequest[],
    code: string,
  ): Promise<string[]> {
    note(`${process.name} meets ${code} ${path}`);
    const called = new Set<string>();
    for (let next: string | undefined = code; next !== undefined;) {
      try {
        await callCommand(world, process, next, called);
      } catch (error) {
        return [`${process.name}: the command that ${next} names fails: ${errorText(error)}`];
      }
      const again = await ask(world, process, path, requests);
      if (again.failures.length > 0) return again.failures;
      const refused = again.refusals.filter((one) => hasCommand(one.code));
      const repeated = refused.find((one) => called.has(one.code));
      if (repeated !== undefined)
        return [
          `${process.name}, ${path}: refuses ${repeated.features[0]!.as} after the command that ` +
            `${repeated.code} names: ${repeated.message}`,
        ];
      next = refused[0]?.code;
    }
    return [];
  }
}

function isEdit(kind: EditKind | StepKind): kind is EditKind {
  return Object.hasOwn(definitionEdits, kind);
}

/** Gives every kind once in random order, then every kind once more, and so on. */
function kindsInTurn<T>(random: Random, kinds: readonly T[]): () => T {
  let next: T[] = [];
  return () => {
    if (next.length === 0) next = random.shuffled(kinds);
    return next.pop()!;
  };
}

/** Some requests of the scenario, and one just before the clock. */
function requestsOf(world: World, random: Random): readonly OracleRequest[] {
  const chosen = random.sample(world.scenario.requests, REQUESTS);
  return chosen.map((request, i) =>
    i === 0 || (i === 1 && request.time < world.horizon)
      ? { ...request, time: world.clock - random.pick([0, 1, 1_000_000, 3_600_000_000]) }
      : request,
  );
}

/** The values that a declared column has in the log. */
function valuesOf(scenario: Scenario, source: SourceSpec, column: string): readonly Value[] {
  const index = source.columns.findIndex(({ name }) => name === column);
  return redefinedChanges(scenario, [source]).flatMap(({ values }) =>
    values === null ? [] : [values[index]!],
  );
}
