/** Generates the entity rows of a training set: users and times. */
import { DAY, type BankSettings } from "./bank.ts";
import { userId } from "./customers.ts";
import { seededRandom } from "./random.ts";

export interface Label {
  readonly user_id: string;
  readonly event_timestamp: Date;
  /** The label, a passed-through column. */
  readonly left_the_bank: boolean;
}

/** Generates labels from the second week on, so that every window lies in the recorded month. */
export function someLabels({ seed, users, days, start }: BankSettings, many: number): Label[] {
  const random = seededRandom(seed + 1);
  return Array.from({ length: many }, () => ({
    user_id: userId(random.below(users)),
    event_timestamp: new Date(start.getTime() + 8 * DAY + random.below((days - 8) * DAY)),
    left_the_bank: random.chance(0.1),
  }));
}
