/** Looks for violations of WCAG 2.2 AA with axe. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Returns each violation with the first element that has it. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: run } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await run.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(({ id, nodes: [first] }) => `${id}: ${first!.html.slice(0, 200)}`);
  });
}

/** Returns how many pixels the page is wider than the window. */
export async function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
