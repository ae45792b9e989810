/** The navigation at the side; on a narrow screen it is behind a button. */
import { pages } from "../pages/page-list.tsx";
import { hrefOf } from "../routing/router.ts";

const GROUPS = ["Look", "Ask", "Operate"] as const;

export function Navigation({ current }: { readonly current: string }): preact.JSX.Element {
  return (
    <nav class="navigation" id="navigation" aria-label="Pages">
      {GROUPS.map((group) => (
        <div class="navigation-group" key={group}>
          <h2>{group}</h2>
          <ul>
            {pages
              .filter((page) => page.group === group)
              .map(({ name, title }) => (
                <li key={name}>
                  <a
                    href={hrefOf(name === "" ? [] : [name])}
                    aria-current={name === current ? "page" : undefined}
                  >
                    {title}
                  </a>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
