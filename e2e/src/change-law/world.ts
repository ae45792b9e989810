/** Several processes over the same stores, each with its own definitions. */
import { openStore, type Store } from "@tidemark/core";
import type { ViewSpec } from "@tidemark/core/spi";
import {
  requestKeys,
  scenarioDefinitions,
  selectedIn,
  type DefinitionSet,
  type OracleRequest,
  type Scenario,
  UNMERGED_LAYOUT,
} from "@tidemark/testkit";
import {
  copyOfFacts,
  noFacts,
  noteFilled,
  noteKilled,
  noteLevel,
  type StoreFacts,
} from "./store-facts.ts";
import {
  dying,
  withLongLogs,
  type Death,
  type Handles,
  type StoredData,
  type StoreRole,
} from "./stored-data.ts";
import { TakenLog, type Erasure } from "./taken-log.ts";

/** A process with its definitions. */
export interface Process {
  readonly name: string;
  readonly definitions: DefinitionSet;
  /** Whether it answers from sources that were never level. */
  readonly answersEarly: boolean;
  store: Store;
}

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly data: StoredData;
  readonly folder: string;
  /** How long the online store keeps rows behind the clock. */
  readonly retention: "forever" | "1d" | "7d";
  /** Whether the change logs seem too long for a reader that needs other versions. */
  readonly hasLongLogs: boolean;
}

const ROLES = ["online", "offline"] as const;
/** Small steps, so that a process may be killed between two of them. */
const BACKFILL = { batchRows: 7 };

/** The processes, the stores and the topic. */
export class World {
  readonly scenario: Scenario;
  readonly log: TakenLog;
  readonly processes: Process[] = [];
  /** Whether a store was removed or restored, or a process killed, and no run ended since. */
  storesChanged = false;
  facts: Record<StoreRole, StoreFacts> = { online: noFacts(), offline: noFacts() };
  /** A store that was removed since the last run, and knows of no erasure. */
  private forgetful: StoreRole | null = null;
  private readonly options: WorldOptions;
  private processCount = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.scenario = options.scenario;
    this.log = new TakenLog(options.scenario, options.data, options.folder);
  }

  /** The newest process: the one with the newest definitions. */
  get newest(): Process {
    return this.processes.at(-1)!;
  }

  /** The clock of every process, in µs: just after the last commit in the topic. */
  get clock(): number {
    return (Math.ceil(this.log.lastCommit / 1000) + 1000) * 1000;
  }

  /** The earliest time that a store must answer, in µs. */
  get horizon(): number {
    const days = { forever: Infinity, "1d": 1, "7d": 7 }[this.options.retention];
    return this.clock - days * 86_400_000_000;
  }

  /** Starts a process with these definitions. */
  async start(definitions: DefinitionSet, answersEarly = false): Promise<Process> {
    const name = `process ${++this.processCount}`;
    const store = await this.open({ definitions, answersEarly });
    const process: Process = { name, definitions, answersEarly, store };
    this.processes.push(process);
    return process;
  }

  /** Ends a process. */
  async end(process: Process): Promise<void> {
    this.processes.splice(this.processes.indexOf(process), 1);
    await process.store.close();
  }

  /** Starts a process anew, with the definitions that it has. */
  async restart(process: Process): Promise<void> {
    await process.store.close();
    process.store = await this.open(process);
  }

  /** Runs the topic to its end in a process, and says which store is not level then. */
  async run(
    { definitions, store }: Process,
    options: { readonly newHistory?: boolean } = {},
  ): Promise<string[]> {
    this.log.forgetPositions();
    await this.log.run(store, options);
    await this.noteRun(definitions);
    const behind: string[] = [];
    for (const role of ROLES)
      for (const { name } of definitions.sources)
        behind.push(...(await this.log.behind(role, name)));
    this.storesChanged = false;
    return behind;
  }

  /** Fills the online store from the history in a process. */
  async backfill(process: Process): Promise<void> {
    await this.levelHistory(process);
    this.log.forgetPositions();
    await process.store.backfill(BACKFILL);
    await this.noteBackfill(process.definitions);
  }

  /** A backfill waits minutes for a history that is behind, so a run comes first. */
  private async levelHistory(process: Process): Promise<void> {
    for (const { name } of process.definitions.sources) {
      const history = await this.log.taken("offline", name);
      for (const [partition, offset] of await this.log.taken("online", name))
        if ((history.get(partition) ?? -1) < offset) {
          await this.run(process);
          return;
        }
    }
  }

  /** Starts a run or a backfill in a process that dies at its n-th write. */
  async killed(
    process: Process,
    during: "run" | "backfill" | "compaction",
    { left, afterWrite }: Pick<Death, "left" | "afterWrite">,
  ): Promise<void> {
    const { definitions } = process;
    if (during === "backfill") await this.levelHistory(process);
    const death: Death = { left, afterWrite, isDead: false };
    const { online, offline } = this.options.data.open();
    const store = await this.openWith(process, {
      online: dying(online, death),
      offline: dying(offline, death),
    });
    this.log.forgetPositions();
    try {
      if (during === "run") await this.log.run(store);
      else if (during === "backfill") await store.backfill(BACKFILL);
      else await store.compact();
      await store.close();
      if (during === "run") await this.noteRun(definitions);
      if (during === "backfill") await this.noteBackfill(definitions);
    } catch (error) {
      if (!death.isDead) throw error;
      // A kill between the writes of the two stores looks like an older copy of one of them.
      this.storesChanged = true;
      await online.close();
      await offline.close();
      if (during !== "compaction")
        for (const { name } of definitions.sources) {
          noteKilled(this.facts.online, name, definitions, during);
          // The process may have noted this before it died.
          if (await this.isLevel(name)) this.facts.online.level.add(name);
        }
    }
  }

  /** Says whether the online store has all that the topic or the history has. */
  private async isLevel(source: string): Promise<boolean> {
    if ((await this.log.behind("online", source)).length === 0) return true;
    const online = await this.log.taken("online", source);
    const history = [...(await this.log.taken("offline", source))];
    return history.every(([partition, offset]) => (online.get(partition) ?? -1) >= offset);
  }

  /** Whether the other store knows which entities were erased. */
  mayLose(role: StoreRole): boolean {
    return this.log.erasures.length === 0 || this.forgetful === null || this.forgetful === role;
  }

  /** Whether these definitions say which columns hold the keys of each erased entity. */
  knowsErased({ views }: DefinitionSet): boolean {
    return this.log.erasures.every((erased) =>
      views.some(
        ({ entity, source }) => entity.name === erased.entity && source.name === erased.source,
      ),
    );
  }

  /**
   * Takes note of the erasure of a view's entity, with the keys of a request. Returns the call that
   * erases it; null: not every process knows it.
   */
  async beginErasure(
    process: Process,
    { entity }: ViewSpec,
    request: OracleRequest,
  ): Promise<(() => Promise<unknown>) | null> {
    const views = process.definitions.views.filter((view) => view.entity.name === entity.name);
    const erasures = new Map(
      views.map(({ source, keyColumns }): [string, Erasure] => [
        source.name,
        {
          entity: entity.name,
          source: source.name,
          columns: keyColumns.map(
            (name) => source.columns.find((column) => column.name === name)!.database,
          ),
          keys: entity.keys.map(({ name }) => request.keys[name] ?? null),
          until: this.clock,
        },
      ]),
    );
    // a source without a history keeps its erasures in the online store alone
    for (const source of erasures.keys())
      if ((await this.log.taken("offline", source)).size === 0) return null;
    const before = this.log.erasures;
    this.log.erasures = [...before, ...erasures.values()];
    if (this.processes.some(({ definitions }) => !this.knowsErased(definitions))) {
      this.log.erasures = before;
      return null;
    }
    const selected = selectedIn({ ...process.definitions, views });
    const key = requestKeys({ selected }, request);
    return () => process.store.erase({ entity: entity.name, key });
  }

  /** Removes the data of a store. Every process starts anew. */
  async remove(role: StoreRole): Promise<void> {
    this.forgetful = role;
    await this.replace(() => this.options.data.remove(role), { [role]: noFacts() });
  }

  /** Whether a run can go on from the history: a log that lost its start begins no new one. */
  async mayRestoreHistory(): Promise<boolean> {
    if (this.log.isWhole) return true;
    for (const { name } of this.scenario.sources)
      if ((await this.log.taken("offline", name)).size === 0) return false;
    return true;
  }

  /** Copies the data of stores, and returns what puts the copies back. */
  async copy(...roles: readonly StoreRole[]): Promise<() => Promise<void>> {
    const facts = roles.map((role) => [role, copyOfFacts(this.facts[role])] as const);
    const isPair = roles.length === 2 && !this.storesChanged;
    for (const process of this.processes) await process.store.close();
    const copies = roles.map((role) => this.options.data.copy(role));
    for (const process of this.processes) process.store = await this.open(process);
    return async () => {
      const act = (): void => copies.forEach((restore) => restore());
      const restored = facts.map(([role, one]) => [role, copyOfFacts(one)] as const);
      await this.replace(act, Object.fromEntries(restored));
      // two copies of one time belong together
      if (isPair) this.storesChanged = false;
    };
  }

  /** Ends every process. */
  async close(): Promise<void> {
    for (const process of this.processes) await process.store.close();
  }

  private async replace(
    act: () => void,
    facts: Partial<Record<StoreRole, StoreFacts>>,
  ): Promise<void> {
    for (const process of this.processes) await process.store.close();
    act();
    this.storesChanged = true;
    this.facts = { ...this.facts, ...facts };
    this.log.forgetPositions();
    for (const process of this.processes) process.store = await this.open(process);
  }

  private async noteRun(definitions: DefinitionSet): Promise<void> {
    for (const { name } of definitions.sources)
      this.facts.online.history.set(name, await this.log.taken("offline", name));
    this.forgetful = null;
    for (const role of ROLES)
      for (const { name } of definitions.sources) {
        const hasChanges = (await this.log.taken(role, name)).size > 0;
        noteLevel(this.facts[role], name, definitions, hasChanges);
      }
  }

  private async noteBackfill(definitions: DefinitionSet): Promise<void> {
    for (const { name } of definitions.sources) {
      const hasHistory = (await this.log.taken("offline", name)).size > 0;
      noteFilled(this.facts.online, name, definitions, hasHistory);
    }
  }

  private open(process: Omit<Process, "name" | "store">): Promise<Store> {
    return this.openWith(process, this.options.data.open());
  }

  private openWith(
    { definitions, answersEarly }: Omit<Process, "name" | "store">,
    { online, offline }: Handles,
  ): Promise<Store> {
    const { sources } = definitions;
    const { retention, hasLongLogs } = this.options;
    return openStore({
      definitions: scenarioDefinitions({ sources, selected: selectedIn(definitions) }),
      online: {
        store: online,
        retention,
        logRetention: "forever",
        serveWhileFilling: answersEarly,
      },
      offline: {
        store: hasLongLogs ? withLongLogs(offline) : offline,
        commit: { rows: 20 },
        buckets: 2,
        layoutLimits: UNMERGED_LAYOUT,
      },
      clock: () => new Date(this.clock / 1000),
      onDefinitionMismatch: "ignore",
      onOverflow: () => undefined,
    });
  }
}
