import { useEffect, useRef, useState } from "preact/hooks";
import { usePageParts } from "./page-parts.ts";

/** The address of a person's picture on the server, as far as the page knows the person. */
export function useAvatarUrl(userId: number | null): string | null {
  const { people } = usePageParts();
  const [, redraw] = useState({});
  const urlNow = () =>
    userId === null ? null : (people.getSnapshot().people.get(userId)?.avatar_url ?? null);
  const drawn = useRef<string | null>(null);
  drawn.current = urlNow();
  useEffect(() => {
    // Most changes are of other people.
    const look = () => {
      if (urlNow() !== drawn.current) redraw({});
    };
    const end = people.subscribe(look);
    look();
    return end;
  }, [people, userId]);
  return drawn.current;
}

/** Reads a picture once its element is near the visible part of the page. */
export function usePicture(url: string | null) {
  const { pictures } = usePageParts();
  const element = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState<{ url: string; address: string }>();
  useEffect(() => {
    if (url === null || !element.current) return;
    let isCurrent = true;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        void pictures.addressOf(url).then((address) => {
          if (isCurrent && address !== undefined) setShown({ url, address });
        });
      },
      { rootMargin: "200px" },
    );
    observer.observe(element.current);
    return () => {
      isCurrent = false;
      observer.disconnect();
    };
  }, [pictures, url]);
  return { element, address: shown?.url === url ? shown?.address : undefined };
}
