// The section "Answers" of /docs/socket.
import { html } from "hono/html";
import { endpoint } from "./layout.ts";

export const answers = html`<h3>Asking</h3>
  <p>
    A message whose first word is <code>/bot</code>, in upper or lower case, asks the model, and so
    does one that mentions <code>@Gemini</code> anywhere outside of code; in a chat with
    <code>is_ai_chat</code>, every message does. <code>/bothello</code> is an ordinary message, and
    <code>/bot</code> or <code>@Gemini</code> without a question is refused with
    <code>invalid</code>, unless the message is a reply or has files: then it asks about these. In
    an AI chat, files need no text either. The server itself answers <code>/bot help</code>; this
    answer streams like any other and uses no tokens. A question is stored as an ordinary message.
    If it has a <code>reply_to</code>, the model is shown that message, too.
  </p>
  <p>
    The model reads the files of the messages that it is shown: images, PDF, text, audio and video.
    A file that it cannot read is named to it with the reason, and listed in
    ${endpoint("Answers", "getAnswerContext", "GET /api/chats/{chat_id}/messages/{message_id}/context")}.
    No file that the room cannot read is ever sent.
  </p>
  <p>
    <code>/image</code> and a description make a picture, if the server has a model for it. The
    pictures are <code>attachments</code> of the answer, which its last frame has; their
    <code>at</code> is their place in the text. They count for a limit of their own: beyond it the
    answer is <code>failed</code>. An answer with pictures is not continued after a crash; it ends
    as <code>interrupted</code> with the pictures that it has.
  </p>
  <p>
    The answer is a message of <code>Gemini</code> with <code>is_bot: true</code> and
    <code>user_id: null</code>. Every socket that has joined the chat receives it as
    <code>bot_stream</code> frames while it is being written. It arrives as a
    <code>message</code> frame only in reply to a <code>join</code> with <code>after_seq</code>.
  </p>
  <ol>
    <li>
      <a href="#ServerBotStreamFirst">The first frame</a> has a <code>seq</code>, which the other
      frames do not have, <code>answer_to</code>, and an empty chunk: show an empty message of the
      bot.
    </li>
    <li>
      <a href="#ServerBotStream">The following frames</a> have a <code>chunk</code> and its
      <code>offset</code>: the position of the chunk in the answer, in UTF-16 units as in
      JavaScript, Java and C#: <code>text = text.slice(0, offset) + chunk</code>.
    </li>
    <li>
      <a href="#ServerBotStreamLast">The last frame</a> has <code>is_complete: true</code> and is
      sent exactly once. <code>full_response</code> is the stored text, and <code>status</code>
      tells how the answer ended.
    </li>
  </ol>
  <h3>Disconnections</h3>
  <p>
    Chunks that a client has missed are not sent again. If <code>after_seq</code> is below the first
    frame of a running answer, the answer's message is sent first, with
    <code>status: "streaming"</code>. After <code>joined</code>, the client receives one
    <code>bot_stream</code> with <code>offset: 0</code> and the whole text so far, followed by live
    chunks. A chunk with <code>offset: 0</code> always replaces the text that is shown. If the
    answer has ended in the meantime, the client receives its stored message and no
    <code>bot_stream</code>.
  </p>
  <p>
    The <code>content</code> of a <code>streaming</code> message, over HTTP as well, is the text
    that was stored last. It is stored about once a second, so it may be shorter than the text that
    was shown. When a server crashes or restarts, it or another server continues the answer from the
    stored text, and sends that text with <code>offset: 0</code>.
  </p>
  <h3>Status</h3>
  <p>
    An answer ends as <code>complete</code>, <code>stopped</code> by a participant,
    <code>failed</code>, <code>blocked</code> by the model's provider, <code>truncated</code> at its
    length limit, or <code>interrupted</code> if no server could continue it after a crash or a
    restart. The text is kept in any case. If there is an <code>error</code>, it can be shown to a
    person.
  </p>
  <h3>Stopping</h3>
  <p>
    Every participant may send <a href="#ClientStop"><code>stop</code></a> with the answer's
    <code>message_id</code>, or call
    ${endpoint("Answers", "stopAnswer", "POST /api/chats/{chat_id}/messages/{message_id}/stop")}.
    Stopping an answer that has ended is refused with <code>answer_ended</code>.
  </p>
  <h3>Asking again</h3>
  <p>
    ${endpoint("Answers", "regenerateAnswer", "POST /api/chats/{chat_id}/messages/{message_id}/regenerate")}
    with the id of a question, or of an answer to it, creates a further answer with the same
    <code>answer_to</code>; the previous answers stay. While an answer to the question is running,
    the request is refused with 409 <code>answer_running</code>. Different questions of a chat may
    be answered at the same time. Sending a question again with its old <code>client_id</code> does
    not ask again.
  </p>
  <h3>Context</h3>
  <p>
    ${endpoint("Answers", "getAnswerContext", "GET /api/chats/{chat_id}/messages/{message_id}/context")}
    returns the messages, model, settings and tokens of an answer.
  </p>
  <p>
    The text is Markdown that a model has written: render it as plain text, or sanitise it first.
    Its links and images may lead anywhere.
  </p>`;
