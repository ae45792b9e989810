/** Which sources are ready, which the header shows on every page. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { SourceReadiness } from "../api/types.ts";

export const ReadinessContext = createContext<readonly SourceReadiness[]>([]);

/** Returns the readiness of each source. Empty: it is not known yet. */
export function useReadiness(): readonly SourceReadiness[] {
  return useContext(ReadinessContext);
}
