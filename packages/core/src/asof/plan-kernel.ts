/** Finds the kernel of a plan. */
import type { Overflows } from "../columns/overflows.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import { isWindowPlan, type LatestPlan } from "../plan/plan-kinds.ts";
import type { PlacedBlock } from "../window/row-blocks.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { windowKernelBinder, type WindowKernel } from "../window/window-kernel.ts";
import { asOfKernel } from "./as-of-kernel.ts";

/**
 * Makes the function that binds a plan to one set of rows after another. Binding makes the kernel
 * before it void.
 */
export function planKernelBinder(
  plan: DeriveNode,
  overflows: Overflows,
): (rows: TimedRows, blocks?: readonly PlacedBlock[]) => WindowKernel {
  return isWindowPlan(plan)
    ? windowKernelBinder(plan, overflows)
    : (rows) => asOfKernel(plan as LatestPlan, rows, overflows);
}
