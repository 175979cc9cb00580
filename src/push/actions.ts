// Browsers that ring: subscribing, listing, unsubscribing.
import { sessionEnded } from "../accounts/authentication.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import {
  pushSubscriptionsMax,
  type PushSubscription,
  type PushSubscriptionInput,
} from "../wire/push.ts";
import { hasUsableKeys, type Vapid } from "./push-request.ts";
import { deleteSubscription, findSubscriptions, upsertSubscription } from "./queries.ts";

/**
 * Subscribes a browser, which rings as long as the caller's session lasts.
 * @throws Problem `invalid` for an address that is none of a push service and for keys that are none, `too_many_push_subscriptions`,
 * `invalid_token` when the session has ended meanwhile
 */
export async function subscribe(
  ctx: Ctx,
  vapid: Vapid,
  caller: Caller,
  input: PushSubscriptionInput,
): Promise<PushSubscription> {
  const fault = endpointFault(ctx, input.endpoint);
  if (fault !== undefined) throw invalid("/endpoint", `endpoint: ${fault}`);
  const { endpoint, keys } = input;
  if (!hasUsableKeys(vapid, { endpoint, ...keys })) {
    throw invalid("/keys/p256dh", "keys.p256dh: must be a public key of the curve P-256.");
  }
  const stored = await upsertSubscription(ctx.sql, caller, input);
  if (!stored) throw sessionEnded();
  if (stored === "full") {
    throw new Problem(
      "too_many_push_subscriptions",
      `${pushSubscriptionsMax} of your browsers ring, which is the most. Remove one first.`,
    );
  }
  return stored;
}

/** Push services are reached by TLS only (RFC 8030 §8); a test has one without. */
function endpointFault({ config, outgoing }: Ctx, endpoint: string): string | undefined {
  if (config.production && !endpoint.startsWith("https://")) return "It must begin with https://.";
  return outgoing.faultOf(endpoint);
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem("invalid", detail, { errors: [{ pointer, detail }] });
}

/** The caller's browsers that ring, the latest first. */
export async function listSubscriptions(ctx: Ctx, caller: Caller): Promise<PushSubscription[]> {
  return await findSubscriptions(ctx.sql, caller);
}

/** @throws Problem `not_found` */
export async function unsubscribe(ctx: Ctx, caller: Caller, subscriptionId: number): Promise<void> {
  const isDeleted = await deleteSubscription(ctx.sql, subscriptionId, caller.id);
  if (!isDeleted) throw new Problem("not_found", "You have no such browser that rings.");
}
