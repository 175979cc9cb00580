import type { Context } from "hono";
import type { Source } from "../audit/queries.ts";
import { clientAddress } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** The context of a request, whether or not its route has more variables. */
type RequestContext = Parameters<typeof clientAddress>[0] & Pick<Context<AppEnv>, "req">;

const addressMax = 64;
const userAgentMax = 256;

/** The origin of a request for the audit trail, shortened: a client may send a User-Agent of any length. */
export function sourceOf(c: RequestContext): Source {
  const userAgent = c.req.header("user-agent")?.slice(0, userAgentMax).toWellFormed();
  return { address: clientAddress(c).slice(0, addressMax), userAgent: userAgent || null };
}
