export { consoleFiles } from "./files/built-files.ts";
export type { ConsoleFile, ConsoleFiles } from "./files/console-file.ts";
