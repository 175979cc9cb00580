import { useEffect, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import { usePageParts } from "./page-parts.ts";

export interface FileAddress {
  /** Undefined until it is known. */
  readonly address: string | undefined;
  readonly isBroken: boolean;
  /** Gets a new address: the last one has expired, or could not be loaded. */
  renew: () => void;
}

/** Addresses that were refused so often are given up. */
const triesMax = 2;

/**
 * The address of a file for an element of the page. It has a ticket, because such elements cannot send a token.
 * @param isWanted false: nothing is asked for yet
 */
export function useFileAddress(
  attachment: Attachment,
  thumbnailUrl?: string,
  isWanted = true,
): FileAddress {
  const { attachments } = usePageParts();
  const [address, setAddress] = useState<string>();
  const [tries, setTries] = useState(0);
  const isGivenUp = tries > triesMax;
  useEffect(() => {
    if (!isWanted || isGivenUp) return;
    let isCurrent = true;
    attachments.addressOf(attachment, thumbnailUrl).then(
      (found) => isCurrent && setAddress(tries === 0 ? found : `${found}&try=${tries}`),
      () => isCurrent && setTries(triesMax + 1),
    );
    return () => {
      isCurrent = false;
    };
  }, [attachment.url, thumbnailUrl, isWanted, tries]);
  return {
    address,
    isBroken: isGivenUp,
    renew: () => setTries((count) => count + 1),
  };
}
