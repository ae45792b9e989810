/** Hooks that ask the server, and render again with its answer. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, ask } from "./http.ts";

/** What a page knows of an answer. */
export interface Asked<T> {
  /** The newest answer; undefined: none came yet. */
  readonly data: T | undefined;
  /** Why the newest request failed; undefined: it did not. */
  readonly error: ApiError | undefined;
  readonly isWaiting: boolean;
  readonly again: () => void;
}

interface AskOptions {
  /** The body of a POST. */
  readonly body?: unknown;
  /** Milliseconds after which it is asked again, while the page is visible. */
  readonly every?: number;
}

/** Asks for JSON while the component is shown. `path` null asks for nothing. */
export function useAnswer<T>(path: string | null, { body, every }: AskOptions = {}): Asked<T> {
  const [state, setState] = useState<Pick<Asked<T>, "data" | "error" | "isWaiting">>({
    data: undefined,
    error: undefined,
    isWaiting: path !== null,
  });
  const [round, setRound] = useState(0);
  // bodies with one text are one question
  const text = JSON.stringify(body);
  useEffect(() => {
    setState({ data: undefined, error: undefined, isWaiting: path !== null });
  }, [path, text]);
  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      // a page in a hidden tab asks no second time
      if (every === undefined || document.visibilityState === "visible") {
        try {
          const data = await ask<T>(path, body, ending.signal);
          setState({ data, error: undefined, isWaiting: false });
        } catch (error) {
          if (ending.signal.aborted) return;
          const shown = error instanceof ApiError ? error : new ApiError("PAGE", String(error), 0);
          setState(({ data }) => ({ data, error: shown, isWaiting: false }));
        }
      }
      if (every !== undefined && !ending.signal.aborted)
        timer = setTimeout(() => void load(), every);
    };
    void load();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [path, text, every, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, again };
}
