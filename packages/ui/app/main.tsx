/** Starts the console in its page. */
import { render } from "preact";
import { App } from "./shell/app.tsx";
import { applyStoredTheme } from "./shell/theme.ts";

applyStoredTheme();
render(<App />, document.getElementById("console")!);
