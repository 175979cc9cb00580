// Sends one event to a webhook. https://www.standardwebhooks.com describes the headers, the signature, and what a receiver does with them.
import type { Ctx } from "../context.ts";
import { OutgoingError } from "../outgoing-http/outgoing-http.ts";
import type { Attempt } from "./delivery-queries.ts";
import type { DueDelivery } from "./due-delivery-queries.ts";
import { openSecret, signatureOf } from "./secrets.ts";

export type Result = Pick<Attempt, "responseStatus" | "durationMs" | "error" | "isGone"> & {
  isOk: boolean;
};

export const failure = (error: string): Result => ({
  isOk: false,
  responseStatus: null,
  durationMs: 0,
  error,
  isGone: false,
});

export async function sendEvent(
  ctx: Ctx,
  delivery: DueDelivery,
  body: string,
  signal: AbortSignal,
): Promise<Result> {
  const secrets = [delivery.sealed_secret, delivery.sealed_previous].flatMap((sealed) => {
    const secret = sealed === null ? undefined : openSecret(ctx, Buffer.from(sealed, "hex"));
    return secret === undefined ? [] : [secret];
  });
  if (secrets.length === 0) return failure("the secret cannot be read: rotate it");
  const id = `msg_${delivery.event_id}`;
  const timestamp = Math.floor(ctx.now().getTime() / 1_000);
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  try {
    const { status } = await ctx.outgoing.send({
      method: "POST",
      url: delivery.url,
      headers: {
        "content-type": "application/json",
        "user-agent": `gemini-coop/${ctx.config.version}`,
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signatureOf({ id, timestamp, body }, secrets),
      },
      body,
      signal,
    });
    const isOk = status >= 200 && status < 300;
    const error = isOk ? null : `it answered ${status}`;
    return { isOk, responseStatus: status, durationMs: elapsed(), error, isGone: status === 410 };
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error;
    return { ...failure(error.message), durationMs: elapsed() };
  }
}
