/** The store's time, which may differ from that of the browser. */
import { createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";
import type { CallerJson } from "../api/types.ts";
import { useAnswer, type Asked } from "../api/use-answer.ts";

const MINUTE = 60_000;

/** Returns the time of now, as milliseconds of Unix time. */
export type StoreClock = () => number;

export const StoreTimeContext = createContext<StoreClock>(Date.now);

/** Asks who calls, and for the store's time, which then goes on with the browser's seconds. */
export function useStoreClock(): {
  readonly asked: Asked<CallerJson>;
  /** undefined: the time is not known yet. */
  readonly clock: StoreClock | undefined;
} {
  const asked = useAnswer<CallerJson>("v1/me", { every: MINUTE });
  const { data } = asked;
  const clock = useMemo(() => {
    if (data === undefined) return undefined;
    const [store, browser] = [Date.parse(data.now), performance.now()];
    return () => store + (performance.now() - browser);
  }, [data]);
  return { asked, clock };
}

/** Returns the store's clock. Pages are shown once it is known. */
export function useClock(): StoreClock {
  return useContext(StoreTimeContext);
}
