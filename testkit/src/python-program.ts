/** Starts Python programs that use the libraries of `pythonReaders()`. */
import { startProgram, type Child, type ChildOptions } from "./child-process.ts";

/**
 * Runs the program and exits without ending the threads of its libraries. On a busy machine the
 * libraries abort while ending, after all output is printed.
 */
const RUN = `
import os, runpy, sys
sys.argv = sys.argv[1:]
if sys.argv[0] == "-c":
    exec(compile(sys.argv.pop(1), "<program>", "exec"), {"__name__": "__main__"})
else:
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
sys.stdout.flush()
os._exit(0)
`;

/**
 * Starts a Python program. `args` are those of `python`: a file or `-c` and code, then the
 * program's own arguments.
 */
export function startPython(
  python: string,
  args: readonly string[],
  options: ChildOptions = {},
): Child {
  return startProgram(python, ["-c", RUN, ...args], options);
}
