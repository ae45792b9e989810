/** A program that may be stopped and started again over the same data. */
export interface Service {
  readonly name: string;
  /** Returns the program's last output. */
  log(): string;
  /** Ends the program and keeps its data. `SIGKILL` ends it as a crash would. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the program again at the same address. Does nothing while the program runs. */
  resume(): Promise<void>;
  /** Ends the program and removes its data. */
  stop(): Promise<void>;
}
