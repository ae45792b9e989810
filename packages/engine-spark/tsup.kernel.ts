import type { Options } from "tsup";

/** The kernel is one file with all that it needs, so that it can be copied to another machine. */
const kernel: Options = {
  entry: { kernel: "src/kernel.ts" },
  format: ["esm"],
  dts: false,
  clean: false,
  target: "node22",
  splitting: false,
  sourcemap: false,
  minify: true,
  removeNodeProtocol: false,
  noExternal: [/^@tidemark\//],
  // Of the sources, only the modules that the kernel needs are bundled.
  esbuildOptions: (options) => {
    options.conditions = ["@tidemark/source"];
  },
};

export default kernel;
