// Security headers of every answer. Hono's middleware of this kind has other defaults for nearly all of them, and none for
// caching.
import type { MiddlewareHandler } from "hono";
import { isSecure } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** Headers of answers without their own: pages may do more, and files may be cached. OWASP REST Security Cheat Sheet, "Security headers". */
const defaults = {
  // Opened as a page, an answer of the API runs nothing, loads nothing and can't be framed.
  "Content-Security-Policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // Other sites can't embed it as an image or a script. It does not affect pages that CORS lets read it.
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // Answers hold tokens and messages, so they are not cached unless they say so (RFC 9111 §5.2.2.5, RFC 6749 §5.1).
  "Cache-Control": "no-store",
};

/** One year (RFC 6797 §6.1.1), without subdomains, which may belong to others. It must not be sent over plain HTTP (§7.2). */
const strictTransportSecurity = "max-age=31536000";

export const secureHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  for (const [name, value] of Object.entries(defaults)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  if (isSecure(c)) headers.set("Strict-Transport-Security", strictTransportSecurity);
};
