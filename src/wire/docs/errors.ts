// Explanations of the error codes of the socket for the documents. Other problems of the catalogue occur over HTTP only.
import type { ProblemCode } from "../problems.ts";

/** `when` says why an `error` frame with the code is sent, and `then` what the client should do. */
export const errorNotes = {
  not_json: {
    when: "The frame was binary, or was not JSON.",
    then: "Correct the client.",
  },
  invalid: {
    when: "The type is unknown, members are missing or wrong, the content is blank or too long, `/bot` has neither a question nor files nor a `reply_to`, or a file of `attachment_ids` cannot be sent.",
    then: "Don't send the same frame again. The reply has no `request_id` if the `request_id` itself was invalid.",
  },
  invalid_token: {
    when: "A signed-in socket sent an `auth` frame with a token that was refused or that belongs to another person.",
    then: "The socket continues with the token it had. Send `auth` with a new token before that one expires.",
  },
  not_found: {
    when: "You are not in the chat, or it does not exist: the server does not tell which. In reply to `stop`, `edit`, `delete` and `react`, the message may not exist either.",
    then: "Remove the chat from the list, unless the frame names a message: then reload the chat.",
  },
  forbidden: {
    when: "You may not edit or delete this message. The author may edit it; the author, the chat's owner, and of an answer the person who asked may delete it.",
    then: "Show `detail`.",
  },
  insufficient_scope: {
    when: "The socket was opened with an access key that does not have the scope of the frame.",
    then: "Correct the program, or create a key that has the scope.",
  },
  changed_meanwhile: {
    when: "The `if_seq` of an `edit` frame is not the `updated_seq` of the message.",
    then: "Show the message as it is now, and let the author decide.",
  },
  client_id_reused: {
    when: "You have sent other content, or other files, with this `client_id` in this chat.",
    then: "Choose a new `client_id` for each message.",
  },
  message_deleted: {
    when: "The message of an `edit` or `react` frame was deleted.",
    then: "Show the message as deleted.",
  },
  too_many_reactions: {
    when: "The message of a `react` frame has as many different emoji as it may have (20), and the emoji would be a further one.",
    then: "Show `detail`. Reactions with the emoji that it has are accepted.",
  },
  answer_ended: {
    when: "The `message_id` of a `stop` frame is not a running answer.",
    then: "Nothing. If it is an answer, its last `bot_stream` has arrived or will arrive.",
  },
  flood: {
    when: "256 frames of this socket, or frames with 1 Mi characters, are waiting. The error has no `request_id`, and no frame has been lost yet.",
    then: "Wait for replies before you send more. The socket is closed at twice that amount.",
  },
  rate_limited: {
    when: "You send messages or reactions faster than the limit, which is 150 of each in 30 s by default, or edit and delete faster than 120 times a minute. Requests over HTTP count, too. The frame changed nothing.",
    then: "Send it again after `retry_after` seconds, a message with the same `client_id`.",
  },
  quota_exceeded: {
    when: "The question was refused because too many answers are running, or because the person or the chat has used the tokens of the day. Nothing was stored.",
    then: "Send it again after `retry_after` seconds, with the same `client_id`.",
  },
  bot_not_configured: {
    when: "The question was refused because the server has no key for the model, or makes no pictures. Nothing was stored.",
    then: "Show `detail`. Messages that don't ask the model are accepted, and so is `/bot help`.",
  },
  unavailable: {
    when: "The database is unavailable, the chat stays locked for too long, or the server is shutting down. A message may have been stored nevertheless.",
    then: "Send the frame again after `retry_after` seconds, a message with the same `client_id`.",
  },
  internal: {
    when: "The server failed and has logged the error.",
    then: "Send the frame again once, a message with the same `client_id`. If it fails again, give up.",
  },
} as const satisfies Partial<Record<ProblemCode, { when: string; then: string }>>;
