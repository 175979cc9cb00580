// What a refusal over a socket means to a client. The catalogue of problems, in problems.ts, has more: those come over
// HTTP alone.
import type { ProblemCode } from "../problems.ts";

/** The codes of `error` frames: when one comes, and what to do then. */
export const errorNotes = {
  not_json: {
    when: "The frame was no JSON, or binary.",
    then: "Mend the client.",
  },
  invalid: {
    when: "An unknown type, members that are missing or wrong, content that is blank or too long, or `/bot` without a question.",
    then: "Don't send it again as it is. A `request_id` that is wrong itself is not in the reply.",
  },
  invalid_token: {
    when: "The token of an `auth` frame on a signed-in socket was refused, or is another person's.",
    then: "The socket goes on with the token it had. Send `auth` again with a new one before that expires.",
  },
  not_found: {
    when: "You are not in the chat, or it does not exist: nobody is told which. To `stop`: or there is no such message.",
    then: "Take the chat off the list.",
  },
  client_id_reused: {
    when: "You have sent other content with this `client_id` in this chat.",
    then: "Make a `client_id` for each message.",
  },
  answer_ended: {
    when: "To `stop`: the message is no running answer.",
    then: "Nothing. Of an answer, the last `bot_stream` has come or will come.",
  },
  flood: {
    when: "256 frames of this socket are waiting, or 1 Mi characters. It has no `request_id`, and no frame is lost yet.",
    then: "Wait for replies before you send more: at twice that the socket is closed.",
  },
  rate_limited: {
    when: "Messages come faster than one may send: 150 in 30 s by default, with those sent over HTTP. The frame changed nothing.",
    then: "Send it again after `retry_after`, with the same `client_id`.",
  },
  quota_exceeded: {
    when: "A question: too many answers are running, or the day's tokens of the person or the chat are used up. Nothing was stored.",
    then: "Send it again after `retry_after`, with the same `client_id`.",
  },
  bot_not_configured: {
    when: "A question, on a server without a key for the model. Nothing was stored.",
    then: "Show `detail`. Messages that ask nothing go through, and so does `/bot help`.",
  },
  unavailable: {
    when: "The database is away, the chat is locked for too long, or the server goes down. A message may have been stored all the same.",
    then: "Send it again after `retry_after`, a message with the same `client_id`.",
  },
  internal: {
    when: "A fault of the server, which it has logged.",
    then: "Send it again once, a message with the same `client_id`; then give up.",
  },
} as const satisfies Partial<Record<ProblemCode, { when: string; then: string }>>;
