/** The time machine. */
import type { Route } from "../../routing/router.ts";

export function TimePage(_: { readonly route: Route }): preact.JSX.Element {
  return <h1>Time machine</h1>;
}
