/** Starts the console in its page. */
import { render } from "preact";
import { App } from "./shell/app.tsx";
import { applyStoredTheme } from "./shell/theme.ts";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/charts.css";

applyStoredTheme();
render(<App />, document.getElementById("console")!);
