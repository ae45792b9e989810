const LINES = 400;

/** Keeps the last lines of an endless output. */
export class LogRing {
  private lines: string[] = [];
  private rest = "";

  add(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop()!;
    this.lines.push(...lines);
    if (this.lines.length > 2 * LINES) this.lines = this.lines.slice(-LINES);
  }

  text(): string {
    return [...this.lines.slice(-LINES), this.rest].join("\n");
  }
}
