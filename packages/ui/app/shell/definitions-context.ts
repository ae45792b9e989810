/** The definitions, which every page reads. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { DefinitionsJson } from "../api/types.ts";

export const DefinitionsContext = createContext<DefinitionsJson | null>(null);

/** Returns the definitions. Pages are shown once they are there. */
export function useDefinitions(): DefinitionsJson {
  return useContext(DefinitionsContext)!;
}
