/** The order of changes whose transactions committed in another order than they wrote. */
import { logOrderAssigner } from "../../src/rows/log-order.ts";
import { compareChanges, placeOf } from "../../src/rows/row-change.ts";
import type { Change } from "../../src/spi.ts";
import { expect, test } from "vitest";

const at = (
  offset: number,
  order: bigint | null,
  more: Pick<Change, "committedAfter" | "inheritedOrder" | "generation"> = {},
): ReturnType<typeof placeOf> => placeOf({ offset, order, ...more } as Change);

const RETRIED = 2 ** 52;

test("changes of a row sort by the commits before them, then as they were written", () => {
  const inOrder = [
    at(1, 90n),
    // a row that a snapshot read before the commit at 160
    at(3, 150n),
    at(9, 100n, { committedAfter: 160n }),
    at(8, 104n, { committedAfter: 160n }),
    // the transaction's last change begins where the commit ended
    at(4, 160n),
    at(5, 168n),
    at(2, 8n, { generation: 1 }),
    at(2, 8n, { generation: 1, committedAfter: 16n }),
  ];
  expect(inOrder.toReversed().toSorted(compareChanges)).toEqual(inOrder);
});

test("a change that was delivered again has its place, and a retried one comes after it", () => {
  const late = { committedAfter: 160n };
  expect(at(70, 100n, late)).toEqual(at(9, 100n, late));
  expect(compareChanges(at(RETRIED + 9, 100n, late), at(9, 100n, late))).toBeGreaterThan(0);
  expect(at(9, null, { inheritedOrder: 80n })).toEqual({ order: 80n, offset: 9 });
});

test("a message without an order comes after the late change before it", () => {
  const late = { topic: "t", partition: 0, offset: 15, order: 100n, committedAfter: 160n };
  const unread = { topic: "t", partition: 0, offset: 16, order: null };
  const assigner = logOrderAssigner([]);
  const [first, second] = [late, unread].map((change) => assigner.withOrder(change as Change));
  expect(compareChanges(placeOf(second!), placeOf(first!))).toBeGreaterThan(0);
  const { checkpoint } = assigner.toStoredPosition({ partition: "t:0", offset: 16 });
  expect(checkpoint?.highestOrder).toBe("160");
});
