/** The size of the console, and that it names no other host. */
import { gzipSync } from "node:zlib";
import { consoleFiles, type ConsoleFiles } from "@tidemark/ui";
import { beforeAll, expect, test } from "vitest";

let files: ConsoleFiles;
beforeAll(async () => {
  files = await consoleFiles();
});

const textOf = (path: string): string => new TextDecoder().decode(files.get(path)!.body);
const kilobytes = (paths: readonly string[]): number =>
  paths.reduce((sum, path) => sum + gzipSync(files.get(path)!.body).length, 0) / 1000;

test("the first load is at most 80 kB", () => {
  const page = textOf("index.html");
  const first = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path!);
  expect(first.filter((path) => path.endsWith(".js"))).toHaveLength(1);
  const size = kilobytes(["index.html", ...first]);
  console.log(
    `the console, gzip: first load ${size.toFixed(1)} kB, ` +
      `all ${kilobytes([...files.keys()]).toFixed(1)} kB`,
  );
  expect(size).toBeLessThan(80);
});

test("no file names another host, and none has a script or a style in the page", () => {
  for (const path of files.keys()) {
    const urls = textOf(path).match(/https?:\/\/[\w.-]+/g) ?? [];
    // names of XML, no addresses
    expect(urls.filter((url) => url !== "http://www.w3.org")).toEqual([]);
  }
  expect(textOf("index.html")).not.toMatch(/<script(?![^>]*src=)|<style|style=/);
});

test("the files have their media types, and only the page must be asked for anew", () => {
  for (const [path, { type, isHashed }] of files) {
    expect(type).not.toBe("application/octet-stream");
    expect(isHashed).toBe(path !== "index.html");
  }
});
