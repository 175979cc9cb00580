// What every answer tells a browser not to do with it. Hono has a middleware of this kind, with other defaults for nearly
// all of it, and none for caches.
import type { MiddlewareHandler } from "hono";
import { isSecure } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** Unless an answer has its own: pages may do more, and files may be kept. OWASP REST Security Cheat Sheet, "Security headers". */
const defaults = {
  // Opened as a page, an answer of the API runs nothing, loads nothing and stands in no frame.
  "Content-Security-Policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // For other sites' pages it is no image and no script. Where CORS lets a page read it, this says nothing.
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // Tokens, and people's messages: what doesn't say how long it may be kept is not (RFC 9111 §5.2.2.5, RFC 6749 §5.1).
  "Cache-Control": "no-store",
};

/**
 * A year (RFC 6797 §6.1.1), of this host alone: what stands on the hosts below it is not ours to decide. Over plain HTTP
 * it must not be sent (§7.2).
 */
const strictTransportSecurity = "max-age=31536000";

export const secureHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  for (const [name, value] of Object.entries(defaults)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  if (isSecure(c)) headers.set("Strict-Transport-Security", strictTransportSecurity);
};
