/** Chooses where child programs are killed, until each point was met often enough. */
import type { Random } from "@tidemark/testkit";

/** Where a child program kills itself. */
export interface Kill {
  readonly point: string;
  /** At which visit of the point. */
  readonly occurrence: number;
}

/** Counts the kills at each fail point that a program visits. */
export class KillCounts {
  /** The kills so far. */
  readonly met: Map<string, number> = new Map();
  private readonly random: Random;
  private readonly visits: Readonly<Record<string, number>>;
  private readonly perPoint: number;

  /** `visits`: how often a program that is not killed visits each point. */
  constructor(random: Random, visits: Readonly<Record<string, number>>, perPoint: number) {
    this.random = random;
    this.visits = visits;
    this.perPoint = perPoint;
  }

  /** A point that is still wanted; null: each was met often enough. */
  next(): Kill | null {
    const [point] = this.random.shuffled(this.missing());
    if (point === undefined) return null;
    return { point, occurrence: this.random.between(1, Math.ceil(this.visits[point]! / 3)) };
  }

  /** Counts a program that was killed. */
  add({ point }: Kill): void {
    this.met.set(point, (this.met.get(point) ?? 0) + 1);
  }

  /** The counts in words. */
  get text(): string {
    return `kills ${[...this.met].map(([point, count]) => `${point} ${count}`).join(", ")}`;
  }

  /** Calls `chain`, two at once, until each point was met often enough. */
  async untilMet(chain: () => Promise<void>): Promise<void> {
    let failed = false;
    const work = async (): Promise<void> => {
      while (!failed && this.missing().length > 0) await chain();
    };
    const fail = (error: unknown): never => {
      failed = true;
      throw error;
    };
    // The caller may remove its folder when both have ended.
    const ends = await Promise.allSettled([work().catch(fail), work().catch(fail)]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  private missing(): string[] {
    const points = Object.keys(this.visits);
    return points.filter((point) => (this.met.get(point) ?? 0) < this.perPoint);
  }
}
