/** Light and dark. Without a choice the system decides. */
const KEY = "tidemark-theme";
type Theme = "light" | "dark";

/** Returns the theme that is shown. */
function shownTheme(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Applies what was chosen before. */
export function applyStoredTheme(): void {
  const stored = localStorage.getItem(KEY);
  if (stored !== null) document.documentElement.dataset["theme"] = stored;
}

/** Changes to the other theme, and keeps the choice. */
export function changeTheme(): void {
  const next: Theme = shownTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = next;
  localStorage.setItem(KEY, next);
  dispatchEvent(new Event("themechange"));
}
