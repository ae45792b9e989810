/**
 * Makes the pictures of docs/console.md: every page of the console over the seeded bank, at both
 * widths. Run it with `npm run screenshots`.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBank } from "./bank.ts";
import { launch, openWatched, WIDTHS } from "./browser.ts";
import { shownPages } from "./page-addresses.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "..", "docs", "images", "console");

await mkdir(folder, { recursive: true });
// the pictures show the names of the stores: they are the same on every machine
const place = await mkdtemp(join(tmpdir(), "tidemark-screenshots-"));
process.chdir(place);
const bank = await openBank({ folder: "bank" });
const browser = await launch();
try {
  for (const width of WIDTHS) {
    const { page } = await openWatched(browser, bank.address, { width });
    for (const { name, path, ready } of shownPages) {
      await page.goto(`${bank.address}#/${path}`);
      await page.getByText(ready).filter({ visible: true }).first().waitFor();
      await page.waitForFunction(() => !document.body.textContent.includes("Loading …"));
      const file = `${name}-${width}.png`;
      await page.screenshot({ path: join(folder, file) });
      console.log(`docs/images/console/${file}`);
    }
    await page.context().close();
  }
} finally {
  await browser.close();
  await bank.close();
  process.chdir(tmpdir());
  await rm(place, { recursive: true });
}
