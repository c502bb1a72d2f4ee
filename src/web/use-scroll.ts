import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** This close to the end counts as at the end (CSS pixels). */
const NEAR_PX = 64;
/** This close to either end of the window, more is loaded. */
const LOAD_PX = 400;

export interface Scroll {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
}

interface ScrollOptions {
  /** Rows have this attribute, with a value that stays theirs. */
  readonly rowAttribute: string;
  readonly onNearStart: () => void;
  readonly onNearEnd: () => void;
}

/**
 * Keeps the eye where it is: at the end while it was at the end, and otherwise on the row it was on, whatever
 * comes or goes above it. (Browsers' own scroll anchoring is not everywhere, and is switched off in the styles.)
 */
export function useScroll({ rowAttribute, onNearStart, onNearEnd }: ScrollOptions): Scroll {
  const scroller = useRef<HTMLDivElement>(null);
  const isStuck = useRef(true);
  const anchor = useRef<{ row: string; top: number } | undefined>(undefined);
  const [isAtEnd, setAtEnd] = useState(true);

  const look = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    anchor.current = firstRowIn(box, rowAttribute);
    const left = box.scrollHeight - box.scrollTop - box.clientHeight;
    isStuck.current = left <= NEAR_PX;
    setAtEnd(isStuck.current);
    if (box.scrollTop <= LOAD_PX) onNearStart();
    if (left <= LOAD_PX) onNearEnd();
  }, [rowAttribute, onNearStart, onNearEnd]);

  const hold = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    if (isStuck.current) {
      box.scrollTop = box.scrollHeight;
    } else if (anchor.current !== undefined) {
      const row = box.querySelector(`[${rowAttribute}="${CSS.escape(anchor.current.row)}"]`);
      if (row !== null) box.scrollTop += topOf(row, box) - anchor.current.top;
    }
  }, [rowAttribute]);

  // After every drawing: rows may have come anywhere.
  useLayoutEffect(() => {
    hold();
    look();
  });

  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    // A phone's keyboard, a turned screen, a composer that grew.
    const observer = new ResizeObserver(hold);
    observer.observe(box);
    return () => observer.disconnect();
  }, [hold]);

  const toEnd = useCallback(() => {
    isStuck.current = true;
    hold();
    setAtEnd(true);
  }, [hold]);

  return { scroller, isAtEnd, onScroll: look, toEnd };
}

function firstRowIn(box: HTMLElement, attribute: string) {
  for (const row of box.querySelectorAll(`[${attribute}]`)) {
    const { bottom } = row.getBoundingClientRect();
    if (bottom > box.getBoundingClientRect().top) {
      return { row: row.getAttribute(attribute) ?? '', top: topOf(row, box) };
    }
  }
  return undefined;
}

function topOf(row: Element, box: HTMLElement): number {
  return row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}
