/** The requests of plans for entities; equal keys share one request. */
import { keyText } from "../columns/key-bytes.ts";
import type { CachedAnswer } from "./answer-cache.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import type { OnlineQuery } from "./online-query.ts";
import type { CurrentPlan, PreparedPlan } from "./prepared-plans.ts";
import type { EntityLogRequest } from "./stored-rows.ts";

/** The request of one plan for one entity. */
export interface EntityRequest extends EntityLogRequest {
  readonly plan: PreparedPlan;
  readonly current: CurrentPlan;
  /** The index of what it reads among the inputs of the plan. */
  readonly input: number;
  /** The rows of the parts of a union that were read. null: the plan reads one source. */
  readonly parts: TimedRows[] | null;
  /** The row of the answer. */
  readonly row: number;
  /** The text of the key. Keys of a plan are equal exactly if their texts are. */
  readonly text: string;
  /** The number of rows with the same key that this request stands for. */
  count: number;
  /**
   * A cached answer that holds at the requested time if the log tail still has its version. With
   * lookups it holds only if the change counter is still that of the answer.
   */
  readonly cached: CachedAnswer | null;
}

export interface RepeatedRequest {
  readonly request: EntityRequest;
  readonly first: EntityRequest;
}

/** Adds the requests of one plan: one for each row. */
export function addRequests(
  requests: EntityRequest[],
  prepared: PreparedPlan,
  current: CurrentPlan,
  question: OnlineQuery,
): void {
  if (current.union !== null) {
    addUnionRequests(requests, prepared, current, question);
    return;
  }
  const { view } = prepared;
  const { reach, cached: answers } = current;
  const { knownState, entityLog, wanted, decode } = current.inputs[0]!;
  const { keys, t } = question;
  const notBefore = t - reach;
  const columns = view.entity.keys;
  for (let row = 0; row < keys.length; row++) {
    const named = keys[row]!;
    const key = columns.map((column) => named[column.name]!);
    const text = answers === null && keys.length === 1 ? "" : keyText(columns, key);
    const found = answers?.get(text);
    const cached = found !== undefined && found.from <= t && t <= found.until ? found : null;
    requests.push({
      plan: prepared,
      current,
      input: 0,
      parts: null,
      row,
      text,
      count: 1,
      entityLogs: knownState.entityLogs,
      entityLog,
      key,
      tailKey: found?.tailKey ?? entityLog.tail(key),
      // the version of the log tail says nothing of the dimensions
      known: prepared.lookups.length === 0 ? (cached?.version ?? null) : null,
      notBefore,
      wanted,
      decode,
      cached,
    });
  }
}

/** Adds the requests of a plan over a union: for each row one for each part, in their order. */
function addUnionRequests(
  requests: EntityRequest[],
  plan: PreparedPlan,
  current: CurrentPlan,
  { keys, t }: OnlineQuery,
): void {
  const columns = plan.view.entity.keys;
  for (let row = 0; row < keys.length; row++) {
    const key = columns.map((column) => keys[row]![column.name]!);
    const text = keyText(columns, key);
    const parts: TimedRows[] = [];
    current.inputs.forEach(({ knownState, entityLog, wanted, decode }, input) => {
      requests.push({
        plan,
        current,
        input,
        parts,
        row,
        text: `${input} ${text}`,
        count: 1,
        entityLogs: knownState.entityLogs,
        entityLog,
        key,
        tailKey: entityLog.tail(key),
        known: null,
        notBefore: t - current.reach,
        wanted,
        decode,
        cached: null,
      });
    });
  }
}

/** Whether the request is the last one that an answer needs. */
export function isLastPart({ current, input }: EntityRequest): boolean {
  return input === current.inputs.length - 1;
}

/** Leaves out requests whose key an earlier request of the same plan has. */
export function withoutRepeated(requests: readonly EntityRequest[]): {
  readonly asked: readonly EntityRequest[];
  readonly repeated: readonly RepeatedRequest[];
} {
  if (requests.length === 1) return { asked: requests, repeated: [] };
  const repeated: RepeatedRequest[] = [];
  const asked: EntityRequest[] = [];
  const firsts = new Map<string, EntityRequest>();
  let plan: PreparedPlan | null = null;
  for (const request of requests) {
    if (request.plan !== plan) firsts.clear();
    ({ plan } = request);
    const first = firsts.get(request.text);
    if (first === undefined) {
      firsts.set(request.text, request);
      asked.push(request);
    } else {
      first.count++;
      repeated.push({ request, first });
    }
  }
  return { asked, repeated };
}
