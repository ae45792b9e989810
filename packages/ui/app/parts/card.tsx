/** A part of a page with a heading. */
import type { ComponentChildren } from "preact";

export function Card({
  title,
  action,
  children,
}: {
  readonly title: string;
  /** What stands at the right of the heading. */
  readonly action?: ComponentChildren;
  readonly children: ComponentChildren;
}): preact.JSX.Element {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{title}</h2>
        {action}
      </div>
      {children}
    </section>
  );
}
