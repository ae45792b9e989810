import { expect, test } from "vitest";
import { KeyNumbers } from "../../src/materialize/key-numbers.ts";
import { hashText } from "../../src/materialize/view-fingerprint.ts";
import { Random } from "@tidemark/testkit/generate/random";

test("texts get the numbers that a Map gives them, even if their hashes collide", () => {
  for (const hash of [
    hashText,
    (text: string) => hashText(text) % 7,
    (text: string) => (hashText(text) & ~1023) >>> 0,
    () => 0xffff_ffff,
  ]) {
    const random = new Random(3);
    const texts = hash === hashText ? 20_000 : 3_000;
    const [ours, twin] = [new KeyNumbers(), new Map<string, number>()];
    for (let i = 0; i < texts; i++) {
      const text = random.pick(["user_", "", "é"]) + String(random.int(texts));
      if (!twin.has(text)) twin.set(text, twin.size);
      if (ours.add(text, hash(text)) !== twin.get(text))
        throw new Error(`${text} is not ${twin.get(text)}`);
    }
    expect(ours.texts).toEqual([...twin.keys()]);
    expect([...ours.hashes.subarray(0, twin.size)]).toEqual(
      [...twin.keys()].map((text) => hash(text)),
    );
  }
});
