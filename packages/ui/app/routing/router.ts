/**
 * The address of a page is behind the `#`, so that the console works under any path of a proxy:
 * `#/feature/weekly/amount?from=2025-06-01`.
 */
import { useEffect, useState } from "preact/hooks";

/** Where the reader is. */
export interface Route {
  /** The parts of the path: `["feature", "weekly", "amount"]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads a hash such as `#/feature/weekly?tab=profile`. */
function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

/** Makes the address of a page. Members of the query that are undefined or empty are left out. */
export function hrefOf(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
}

/** Returns the current route, and renders again when it changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(routeOf(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

/** Goes to a page. `replace` leaves no entry in the browser's history. */
export function goTo(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (!replace) location.hash = href;
  else {
    history.replaceState(null, "", href);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

/** Goes to a page. A reader who is there already gets its answer anew. */
export function goOrAgain(href: string, again: () => void): void {
  if (new URL(href, location.href).hash === location.hash) again();
  else goTo(href);
}
