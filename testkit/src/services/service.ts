/** A program that may be stopped and started again over the same data, as an operator would. */
export interface Service {
  readonly name: string;
  /** What it printed last. */
  log(): string;
  /** Ends the program and keeps its data; `SIGKILL`: as a crash would. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** After `halt`: starts it again at the same address. */
  resume(): Promise<void>;
  /** Ends the program and removes its data. */
  stop(): Promise<void>;
}
