/** The frame of every page: header, navigation, command palette, and the page itself. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { DefinitionsJson, SourceReadiness } from "../api/types.ts";
import { useAnswer } from "../api/use-answer.ts";
import { Badge } from "../parts/badge.tsx";
import { ErrorText } from "../parts/error-text.tsx";
import { pages } from "../pages/page-list.tsx";
import { hrefOf, useRoute } from "../routing/router.ts";
import { DefinitionsContext } from "./definitions-context.ts";
import { Navigation } from "./navigation.tsx";
import { Palette } from "./palette.tsx";
import { ReadinessContext } from "./readiness-context.ts";
import { SignIn } from "./sign-in.tsx";
import { StoreTimeContext, useStoreClock } from "./store-time.ts";
import { changeTheme } from "./theme.ts";

export function App(): preact.JSX.Element {
  const route = useRoute();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const definitions = useAnswer<DefinitionsJson>("v1/definitions");
  const readiness = useAnswer<readonly SourceReadiness[]>("v1/readiness", { every: 5000 });
  const { asked: caller, clock } = useStoreClock();
  const main = useRef<HTMLElement>(null);
  const name = route.path[0] ?? "";
  const page = pages.find((one) => one.name === name);
  const path = route.path.join("/");
  useEffect(() => {
    setMenuOpen(false);
    document.title = `${page?.title ?? "No such page"} · Tidemark`;
  }, [path]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      setPaletteOpen(true);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  const refused = [definitions.error, caller.error].find((error) => error?.status === 401);
  if (refused !== undefined)
    return (
      <SignIn
        error={refused}
        onDone={() => {
          definitions.again();
          caller.again();
        }}
      />
    );
  const waiting = readiness.data?.filter(({ reason }) => reason !== null).length;
  const Shown = page?.component;
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="header">
        <button
          type="button"
          class="menu-button quiet"
          aria-expanded={isMenuOpen}
          aria-controls="navigation"
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          Menu
        </button>
        <a class="brand" href={hrefOf([])}>
          Tidemark
        </a>
        {waiting === undefined ? null : (
          <Badge tone={waiting === 0 ? "good" : "bad"}>
            {waiting === 0 ? "ready" : `${waiting} not ready`}
          </Badge>
        )}
        <span class="space" />
        <button type="button" class="quiet" onClick={() => setPaletteOpen(true)}>
          Search <kbd>Ctrl K</kbd>
        </button>
        <button type="button" class="quiet" onClick={changeTheme}>
          Theme
        </button>
      </header>
      <div class={isMenuOpen ? "body menu-open" : "body"}>
        <Navigation current={name === "feature" ? "definitions" : name} />
        <main id="main" ref={main} tabIndex={-1}>
          {definitions.error !== undefined ? <ErrorText error={definitions.error} /> : null}
          {caller.error !== undefined ? <ErrorText error={caller.error} /> : null}
          {definitions.data === undefined || clock === undefined ? null : (
            <DefinitionsContext.Provider value={definitions.data}>
              <ReadinessContext.Provider value={readiness.data ?? []}>
                <StoreTimeContext.Provider value={clock}>
                  {Shown === undefined ? (
                    <>
                      <h1>No such page</h1>
                      <p>
                        There is no page {path}. Go to <a href={hrefOf([])}>Home</a>.
                      </p>
                    </>
                  ) : (
                    <Shown route={route} key={name} />
                  )}
                </StoreTimeContext.Provider>
              </ReadinessContext.Provider>
            </DefinitionsContext.Provider>
          )}
        </main>
      </div>
      {isPaletteOpen && definitions.data !== undefined ? (
        <Palette definitions={definitions.data} onClose={() => setPaletteOpen(false)} />
      ) : null}
    </div>
  );
}
