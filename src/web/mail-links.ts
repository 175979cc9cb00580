// The links of mails, which are addresses of the page. Their tokens are in the fragment, which is sent to no server.
import { useLayoutEffect, useState } from "preact/hooks";

export interface MailLinkPlace {
  purpose: "verify-email" | "reset-password";
  token: string;
}

function linkInAddress(): MailLinkPlace | undefined {
  const [, purpose, token] =
    /^#\/(verify-email|reset-password)\/([\w-]{1,256})$/.exec(location.hash) ?? [];
  if (token === undefined) return undefined;
  return { purpose: purpose === "verify-email" ? "verify-email" : "reset-password", token };
}

/** The link that the page was opened with. `end` forgets it, and takes its token out of the browser's history. */
export function useMailLink() {
  const [link, setLink] = useState(linkInAddress);
  // A normal effect runs up to 100 ms after rendering, and would miss a link that is followed before.
  useLayoutEffect(() => {
    const follow = () => setLink(linkInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return {
    link,
    end() {
      history.replaceState(null, "", "#/");
      setLink(undefined);
    },
  };
}
