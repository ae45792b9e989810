/** One file of the console, as a server sends it. */
export interface ConsoleFile {
  /** Its media type. */
  readonly type: string;
  readonly body: Uint8Array;
  /** True if the file's name has a hash of its content, so that browsers may keep it for ever. */
  readonly isHashed: boolean;
}

/** The files of the console by path. `index.html` is the page. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Makes a file of the console. `path` is its name in the folder of the built console. */
export function consoleFile(path: string, body: Uint8Array): ConsoleFile {
  const extension = path.slice(path.lastIndexOf(".") + 1);
  return {
    type: TYPES[extension] ?? "application/octet-stream",
    body,
    isHashed: path.startsWith("assets/"),
  };
}
