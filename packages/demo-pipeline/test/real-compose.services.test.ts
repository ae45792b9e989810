/** Tests the demo on the services of docker/compose.yaml. */
import { startCompose, type Compose } from "@tidemark/testkit/services";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { composeEngine, suiteNeeding } from "@tidemark/testkit/needs";
import { realDemo } from "../src/real.ts";
import { scratch } from "./small-bank.ts";
import { expectAgreement, SMALL } from "./small-real.ts";

suiteNeeding(composeEngine(), "the demo on the services of docker/compose.yaml", () => {
  let compose: Compose;
  beforeAll(async () => {
    compose = await startCompose();
  }, 900_000);
  afterAll(async () => {
    await compose.stop();
  }, 120_000);

  test(
    "it finds them by their variables, all agree, and a second time too",
    { timeout: 900_000 },
    async () => {
      for (const [name, value] of Object.entries(compose.env)) vi.stubEnv(name, value);
      const directory = join(await scratch(), "demo");
      for (const time of ["first", "second"]) {
        let text = `${time} time\n`;
        expectAgreement(
          await realDemo({
            bank: SMALL,
            against: "compose",
            directory,
            output: {
              write: (more) => {
                text += more;
              },
            },
          }),
          text,
        );
        expect(text).toContain("there until the next run");
      }
    },
  );
});
