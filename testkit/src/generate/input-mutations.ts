/**
 * Mutates messages of a valid log, and says of each what a reader must take and what it must tell.
 * Nothing here shares code with the product.
 */
import { binaryMutations } from "./input-bytes.ts";
import { envelopeMutations } from "./input-envelopes.ts";
import type { InputMutation } from "./mutated-input.ts";

/** Every mutation. */
export const inputMutations: readonly InputMutation[] = [...binaryMutations, ...envelopeMutations];
