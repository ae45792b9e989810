/** Reads log tails and source states of one snapshot of the store, many tails in slices. */
import type { OnlineStore } from "../spi.ts";
import {
  addRequests,
  withoutRepeated,
  type EntityRequest,
  type RepeatedRequest,
} from "./entity-requests.ts";
import type { GiveWay } from "./give-way.ts";
import type { KnownState, KnownStates } from "./known-states.ts";
import { missingFeatures, type MissingFeature, type ReadinessRules } from "./missing-features.ts";
import type { OnlineQuery } from "./online-query.ts";
import { isCurrent, type PlanPreparer, type Preparation } from "./prepared-plans.ts";
import { readTails, type ExtraCells, type ReadTail } from "./stored-rows.ts";

/**
 * The number of requests from which the change counter is read. Reading the counter costs as much
 * as reading one entity.
 */
const COUNTER_MIN_REQUESTS = 4;

/** The number of log tails that are read before others get their turn. */
const SLICE_TAILS = 512;
/** The number of times that log tails are read in slices. Then they are read at once. */
const SLICED_ATTEMPTS = 3;

/** The log tails of a request, of one snapshot of the store. */
export interface Snapshot {
  /** The requests to compute: those of equal keys once. */
  readonly requests: readonly EntityRequest[];
  readonly changeCounter: number | null;
  /** The log tail of each request. */
  readonly tails: readonly ReadTail[];
  /** The requests whose answers are those of another request with the same key. */
  readonly repeated: readonly RepeatedRequest[];
}

/** The features that the store cannot answer. */
export interface FeaturesMissing {
  readonly missing: readonly MissingFeature[];
}

export type SnapshotReader = (
  preparation: Preparation,
  question: OnlineQuery,
  giveWay: GiveWay | null,
) => Promise<Snapshot | FeaturesMissing>;

export function snapshotReader(
  store: OnlineStore,
  states: KnownStates,
  currentPlan: PlanPreparer["currentPlan"],
  rules: ReadinessRules,
): SnapshotReader {
  async function readStates({ sources, stateKeys }: Preparation): Promise<readonly KnownState[]> {
    const cells = await store.read(stateKeys);
    return sources.map((source, i) => states.stateOf(source, cells[i] ?? null));
  }

  /**
   * Reads log tails and source states in one snapshot. The log tails are requested with the known
   * layout, which seldom changes. The states in the snapshot then confirm the layout.
   */
  async function readSnapshot(
    preparation: Preparation,
    question: OnlineQuery,
    giveWay: GiveWay | null,
  ): Promise<Snapshot | FeaturesMissing> {
    const { plans, sources, stateKeys } = preparation;
    for (let attempt = 0; ; attempt++) {
      let known: readonly KnownState[] = sources.map((source) => states.last(source)!);
      let isFresh = false;
      if (known.includes(undefined!)) {
        known = await readStates(preparation);
        isFresh = true;
      }
      // a current plan was made for a state that answers it
      if (!plans.every((plan) => isCurrent(plan, known))) {
        let missing = missingFeatures(plans, known, rules);
        if (missing.length > 0 && !isFresh) {
          known = await readStates(preparation);
          missing = missingFeatures(plans, known, rules);
        }
        if (missing.length > 0) return { missing };
      }
      const versions = known.map(({ state }) => state.version);
      const requests: EntityRequest[] = [];
      for (const plan of plans) {
        addRequests(requests, plan, currentPlan(plan, known), question);
        const turn = giveWay?.();
        if (turn !== undefined) await turn;
      }
      const changeCounter =
        attempt < SLICED_ATTEMPTS &&
        (requests.length >= COUNTER_MIN_REQUESTS || plans.some(({ lookups }) => lookups.length > 0))
          ? (store.changeCounter?.() ?? null)
          : null;
      // an answer seen at this change counter is unchanged, and so is the source state seen with it
      const unseen =
        changeCounter === null
          ? requests
          : requests.filter(({ cached }) => cached?.seen !== changeCounter);
      if (changeCounter !== null && unseen.length === 0) {
        for (const { state } of known) states.refuseBefore(state, question.t);
        return {
          requests,
          changeCounter,
          tails: requests.map(() => "same" as const),
          repeated: [],
        };
      }
      const { asked, repeated } = withoutRepeated(unseen);
      const isSliced = changeCounter !== null && asked.length > SLICE_TAILS;
      let areCurrent = true;
      const extra: ExtraCells = {
        keys: stateKeys,
        known: versions,
        accept(cells) {
          // a segment before the horizon may be deleted
          sources.forEach((source, i) => {
            const now = states.stateOf(source, cells[i] ?? null, known[i]);
            states.refuseBefore(now.state, question.t);
            areCurrent &&= now.state.version === versions[i];
          });
        },
      };
      let read: readonly ReadTail[];
      if (isSliced) {
        const slices: ReadTail[] = [];
        for (let from = 0; from < asked.length; from += SLICE_TAILS) {
          const slice = asked.slice(from, from + SLICE_TAILS);
          for (const tail of await readTails(store, slice, extra)) slices.push(tail);
          const turn = giveWay?.();
          if (turn !== undefined) await turn;
        }
        read = slices;
      } else read = await readTails(store, asked, extra);
      if (!areCurrent) continue;
      if (unseen.length === requests.length && !isSliced)
        return { requests: asked, changeCounter, tails: read, repeated };
      // after a write, the cached answers and the slices may be of two snapshots
      if (store.changeCounter!() !== changeCounter) continue;
      const seen = requests.filter(({ cached }) => cached?.seen === changeCounter);
      return {
        requests: [...seen, ...asked],
        changeCounter,
        tails: [...seen.map(() => "same" as const), ...read],
        repeated,
      };
    }
  }

  return readSnapshot;
}
