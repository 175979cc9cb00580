import type { Config } from "../config/config.ts";
import { Problem } from "../wire/problems.ts";

/** The chat page, or where there is none the first other address. */
function defaultAddress({ publicUrl, webPage, signIn }: Config): string {
  const page = `${publicUrl}/`;
  return webPage ? page : (signIn.returnTo[0] ?? page);
}

/**
 * The address to which a browser returns. It is compared as a whole with those that are allowed (RFC 9700 §4.1.3), so that neither another
 * path nor a trick with users, slashes or look-alike hosts gets a code to somebody else.
 * @throws Problem `invalid`
 */
export function returnAddressOf(config: Config, asked: string | undefined): string {
  if (asked === undefined) return defaultAddress(config);
  const { publicUrl, signIn } = config;
  const href = URL.parse(asked)?.href;
  const allowed = [`${publicUrl}/`, ...signIn.returnTo].find((address) => address === href);
  if (allowed !== undefined) return allowed;
  const detail =
    "is not an address to which this server sends people back. Its operator allows addresses with OAUTH_RETURN_TO";
  throw new Problem("invalid", `return_to: ${detail}`, {
    errors: [{ pointer: "/return_to", detail }],
  });
}

/** An address with the outcome in its fragment, which browsers send to no server: it gets into no log. */
export function withOutcome(address: string, outcome: Record<string, string>): string {
  return `${address}#${new URLSearchParams(outcome).toString()}`;
}
