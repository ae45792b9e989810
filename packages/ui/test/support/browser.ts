/** Chromium, driven by playwright-core. */
import { chromiumLaunch } from "@tidemark/testkit/services/chromium";
import { chromium, type Browser, type Page } from "playwright-core";

/** The widths at which every page must be usable. */
export const WIDTHS = [1280, 390] as const;

export async function launch(): Promise<Browser> {
  const { executablePath, args, env } = chromiumLaunch();
  return chromium.launch({ executablePath, args: [...args], env });
}

/** A page that collects what must not happen: errors of the console, and calls of other hosts. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: string[];
}

export async function openWatched(
  browser: Browser,
  address: string,
  { width, theme = "light" }: { readonly width: number; readonly theme?: "light" | "dark" },
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 900 },
    colorScheme: theme,
    reducedMotion: "reduce",
    timezoneId: "UTC",
    locale: "en-GB",
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  const { host } = new URL(address);
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.host !== host) faults.push(`asked ${url.href}`);
  });
  return { page, faults };
}
