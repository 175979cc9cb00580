// A browser as far as sign-ins by redirects go: cookies for each origin, and redirects that it follows.
import { accountCookie } from "./openid-provider.ts";

const redirectsMax = 10;

export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  /** @param account as which it signs in at providers */
  constructor(
    readonly account: string,
    readonly providers: readonly string[],
  ) {
    for (const origin of providers) this.jar(origin).set(accountCookie, account);
  }

  /** The cookies of an origin. */
  jar(origin: string): Map<string, string> {
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    return jar;
  }

  /** One request with the cookies of its origin. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = this.jar(new URL(url).origin);
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set("cookie", Array.from(jar, (pair) => pair.join("=")).join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /max-age=0\b/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /**
   * Opens an address, and follows redirects.
   * @param until stops before an address is opened for which it is true
   * @returns the address at which it stopped, or the answer that was no redirect
   */
  async open(
    address: string,
    until: (url: URL) => boolean = ({ hash }) => hash !== "",
  ): Promise<{ url: URL; answer: Response | undefined }> {
    let url = new URL(address);
    for (let n = 0; n < redirectsMax; n += 1) {
      if (until(url)) return { url, answer: undefined };
      const answer = await this.fetch(url.href);
      const location = answer.headers.get("location");
      if (location === null) return { url, answer };
      await answer.body?.cancel();
      url = new URL(location, url);
    }
    throw new Error(`too many redirects, the last to ${url.href}`);
  }
}

/** Reads the fragment of an address. */
export function outcomeOf({ hash }: URL): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}
