/** Checks the health of a server: the store must answer a read of one feature. */
import { isTidemarkError, type Definitions, type Selection, type Store } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { selectionFrom } from "@tidemark/core/internal";

/** Resolves to true if the store answers. */
export type Health = () => Promise<boolean>;

/** How long (ms) the result of a read is used for further health checks. */
const CACHE_TIME = 500;
/** How long (ms) a store may take before it counts as unavailable. */
const TIME_LIMIT = 2000;

/** Makes the health check. It reads an entity that need not exist. */
export function healthOf(store: Store, definitions: Definitions): Health {
  const probe = probeOf(definitions);
  let last: { readonly at: number; readonly healthy: Promise<boolean> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at > CACHE_TIME)
      last = {
        at: now,
        healthy: probe === null ? Promise.resolve(true) : withinTimeLimit(canRead(store, probe)),
      };
    return last.healthy;
  };
}

/** The request of the health check. */
interface Probe {
  readonly features: Selection<unknown, unknown>;
  readonly entities: readonly unknown[];
}

function probeOf({ views }: Definitions): Probe | null {
  const [view] = views.values();
  const feature = view?.features[0];
  if (view === undefined || feature === undefined) return null;
  return {
    features: selectionFrom([{ view, feature, as: feature.name }]),
    entities: [Object.fromEntries(view.entity.keys.map((key) => [key.name, anyKey(key)]))],
  };
}

async function canRead(store: Store, probe: Probe): Promise<boolean> {
  try {
    await store.getOnlineColumns(probe);
    return true;
  } catch (error) {
    // the store answers; a missing backfill concerns one source only
    return isTidemarkError(error, "NEEDS_BACKFILL");
  }
}

async function withinTimeLimit(answer: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, TIME_LIMIT, false);
  });
  return Promise.race([answer, late]).finally(() => {
    clearTimeout(timer);
  });
}

function anyKey({ type, scale = 0 }: ColumnSpec): unknown {
  switch (type) {
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "float64":
      return 0;
    case "decimal":
      return (0).toFixed(scale);
    case "timestamp":
      return new Date(0);
    case "date":
      return "1970-01-01";
    case "bytes":
      return new Uint8Array(0);
    default:
      return "";
  }
}
