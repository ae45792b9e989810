/** Roles without roles: the question for the other entity, as an ordinary question. */
import type { OracleRequest } from "./oracle.ts";

/** The request of the entity in the role: its keys have their own names again. */
export function requestOfOther({ keys, time }: OracleRequest): OracleRequest {
  const prefix = "other_";
  return {
    time,
    keys: Object.fromEntries(
      Object.entries(keys)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    ),
  };
}
