/** Measures the width of an element, so that a chart fills it. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Returns a ref for the element, and its width in pixels; 0 before it is known. */
export function useWidth<E extends Element>(): readonly [RefObject<E | null>, number] {
  const ref = useRef<E | null>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry!.contentRect.width)),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
