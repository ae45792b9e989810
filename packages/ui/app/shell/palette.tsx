/** The command palette: every page and every definition by a part of its name. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DefinitionsJson } from "../api/types.ts";
import { matches } from "../parts/matches.ts";
import { pages } from "../pages/page-list.tsx";
import { explainHref, featureHref } from "../routing/feature-links.ts";
import { goTo, hrefOf } from "../routing/router.ts";
import { changeTheme } from "./theme.ts";

interface Command {
  readonly title: string;
  readonly about: string;
  readonly run: () => void;
}

const SHOWN = 12;

/** Lists what the palette can do. */
function commandsOf(definitions: DefinitionsJson): readonly Command[] {
  const link = (title: string, about: string, href: string): Command => ({
    title,
    about,
    run: () => goTo(href),
  });
  const features = [...definitions.views, ...definitions.derivedViews].flatMap((view) =>
    view.features.flatMap(({ feature }) => [
      link(feature, "feature", featureHref(feature)),
      link(`Explain ${feature}`, "why is this number so?", explainHref(feature)),
    ]),
  );
  const named = (kind: string, all: readonly { readonly name: string }[]): Command[] =>
    all.map(({ name }) => link(name, kind, hrefOf(["definitions", kind, name])));
  return [
    ...pages
      .filter(({ group }) => group !== null)
      .map(({ name, title, about }) => link(title, about, hrefOf(name === "" ? [] : [name]))),
    ...named("service", definitions.services),
    ...named("view", definitions.views),
    ...named("source", definitions.sources),
    ...named("entity", definitions.entities),
    ...features,
    { title: "Light or dark", about: "changes the colours", run: changeTheme },
  ];
}

export function Palette({
  definitions,
  onClose,
}: {
  readonly definitions: DefinitionsJson;
  readonly onClose: () => void;
}): preact.JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const commands = useMemo(() => commandsOf(definitions), [definitions]);
  const found = commands
    .filter(({ title, about }) => matches(`${title} ${about}`, search))
    .slice(0, SHOWN);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const choose = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Search" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Search pages and definitions"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] === undefined ? undefined : `palette-${at}`}
        placeholder="A page, a feature, a source …"
        value={search}
        onInput={({ currentTarget }) => {
          setSearch(currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
          else if (event.key === "Enter") choose(found[at]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="palette-list" role="listbox" aria-label="Found">
        {found.map((command, i) => (
          <li
            key={command.title + command.about}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === at}
            onClick={() => choose(command)}
          >
            <span>{command.title}</span> <small>{command.about}</small>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p class="hint">Nothing has this name.</p> : null}
    </dialog>
  );
}
