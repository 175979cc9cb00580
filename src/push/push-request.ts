// Push messages, encrypted for one browser (RFC 8291) and signed for its push service (RFC 8292), by web-push.
import { createHmac } from "node:crypto";
import webPush from "web-push";
import type { VapidKeys } from "../config/vapid-keys.ts";
import type { PushJob } from "../log/push-jobs.ts";
import type { OutgoingRequest } from "../outgoing-http/outgoing-http.ts";
import { previewOf } from "../wire/message-frames.ts";
import type { Notice } from "./notice-queries.ts";

/** Seconds for which the push service keeps a message for a browser that is away. */
export const ttlSeconds = 12 * 60 * 60;
/** RFC 8291 §4: a message is one record of 4,096 bytes, of which 103 are the header, the tag and the delimiter. */
const payloadBytesMax = 3_993;
const topicLength = 32;

export interface Vapid extends VapidKeys {
  readonly subject: string;
}

type Receiver = Pick<Notice, "endpoint" | "p256dh" | "auth">;

/** The decrypted payload that src/web/service-worker.ts receives. */
interface Payload {
  chat_id: number;
  seq: number;
  title: string;
  body: string;
}

const wordsWithoutText: Record<PushJob["reason"], string> = {
  mention: "You are mentioned.",
  private: "There is a new message.",
  answer: "The answer is there.",
};

function payloadOf(notice: Notice, reason: PushJob["reason"]): Payload {
  const { chat_id, seq, author, chat_name: chatName } = notice;
  const title = chatName === null ? author : `${author} in ${chatName}`;
  const words = wordsWithoutText[reason];
  return { chat_id, seq, title, body: (notice.shows_text && previewOf(notice)) || words };
}

/** The request that has a browser ring. @throws when its keys are none */
export function pushRequest(
  vapid: Vapid,
  notice: Notice,
  reason: PushJob["reason"],
): OutgoingRequest {
  return encrypted(vapid, notice, JSON.stringify(payloadOf(notice, reason)), {
    // A person waits for others sooner than for the model.
    urgency: reason === "answer" ? "normal" : "high",
    topic: topicOf(vapid, notice.chat_id),
  });
}

/** Whether something can be encrypted with the keys of a browser: the public one has to be a point of the curve. */
export function hasUsableKeys(vapid: Vapid, receiver: Receiver): boolean {
  try {
    encrypted(vapid, receiver, "{}", {});
    return true;
  } catch {
    return false;
  }
}

function encrypted(
  vapid: Vapid,
  { endpoint, p256dh, auth }: Receiver,
  payload: string,
  options: { urgency?: "normal" | "high"; topic?: string },
): OutgoingRequest {
  if (Buffer.byteLength(payload) > payloadBytesMax) throw new Error("a push message is too long");
  const { subject, publicKey, privateKey } = vapid;
  const { headers, body } = webPush.generateRequestDetails(
    { endpoint, keys: { p256dh, auth } },
    payload,
    {
      ...options,
      TTL: ttlSeconds,
      contentEncoding: "aes128gcm",
      vapidDetails: { subject, publicKey, privateKey },
    },
  );
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return { method: "POST", url: endpoint, headers: Object.fromEntries(texts), body };
}

/**
 * The topic of a chat: a newer message takes the place of one that the browser has not received yet (RFC 8030 §5.4). The push service cannot
 * tell which chat it is.
 */
function topicOf({ privateKey }: Vapid, chatId: number): string {
  const hash = createHmac("sha256", privateKey).update(`topic of chat ${chatId}`);
  return hash.digest("base64url").slice(0, topicLength);
}
