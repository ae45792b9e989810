/** A short state in a colour. The text says the state too. */
import type { ComponentChildren } from "preact";

export type Tone = "good" | "bad" | "warn" | "plain";

export function Badge({
  tone = "plain",
  children,
}: {
  readonly tone?: Tone;
  readonly children: ComponentChildren;
}): preact.JSX.Element {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
