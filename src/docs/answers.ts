// What the model writes, for /docs/socket.
import { html } from "hono/html";
import { endpoint } from "./layout.ts";

export const answers = html`<h3>Asking</h3>
  <p>
    A message whose first word is <code>/bot</code>, in small letters or capitals, asks the model
    what follows; in a chat with <code>is_ai_chat</code> every message does.
    <code>/bothello</code> asks nothing; <code>/bot</code> alone is refused as <code>invalid</code>.
    <code>/bot help</code> is answered by the server itself: it streams like any answer, and costs
    nothing. The question is a message like any other.
  </p>
  <p>
    The answer is a message of <code>Gemini</code>, with <code>is_bot: true</code> and
    <code>user_id: null</code>. Everyone who has joined gets it as it is written, as
    <code>bot_stream</code> alone; as a <code>message</code> it comes only after a
    <code>join</code> with <code>after_seq</code>.
  </p>
  <ol>
    <li>
      <a href="#ServerBotStreamFirst">The first</a> has a <code>seq</code>, which the pieces and the
      last don't have, <code>answer_to</code> and an empty chunk: show an empty message of the bot.
    </li>
    <li>
      <a href="#ServerBotStream">A piece</a> has a <code>chunk</code> and its <code>offset</code>,
      the place of the chunk in the answer in UTF-16 units, as JavaScript, Java and C# count them:
      <code>text = text.slice(0, offset) + chunk</code>.
    </li>
    <li>
      <a href="#ServerBotStreamLast">The last</a>, exactly one, has <code>is_complete: true</code>:
      <code>full_response</code> is the text that is stored, <code>status</code> how it ended.
    </li>
  </ol>
  <h3>A break in the middle</h3>
  <p>
    What is missed of an answer is not sent in pieces. If <code>after_seq</code> is below its first
    frame, its message comes first, with <code>status: "streaming"</code>; after
    <code>joined</code> comes one <code>bot_stream</code> with <code>offset: 0</code> and all the
    text so far, then live chunks. A chunk with <code>offset: 0</code> always replaces what you
    show, whenever it comes. If the answer ended meanwhile, its message comes as it is stored, and
    no <code>bot_stream</code>.
  </p>
  <p>
    The <code>content</code> of a <code>streaming</code> message, over HTTP too, is what was kept so
    far, about once a second: perhaps less than was shown. When a server crashes or restarts,
    another one, or the same, goes on with an answer from the kept text, and sends that with
    <code>offset: 0</code>.
  </p>
  <h3>How it ends</h3>
  <p>
    <code>complete</code>; <code>stopped</code> by a participant; <code>failed</code>,
    <code>blocked</code> by the model's provider, <code>truncated</code> at its length limit, or
    <code>interrupted</code> where it could not go on after a crash or restart. The text so far is
    always kept, and where there is an <code>error</code> it can be shown to a person.
  </p>
  <h3>Stop</h3>
  <p>
    Any participant may send <a href="#ClientStop"><code>stop</code></a> with the answer's
    <code>message_id</code>, or call
    ${endpoint("Answers", "stopAnswer", "POST /api/chats/{chat_id}/messages/{message_id}/stop")}.
    After its end, that is refused with <code>answer_ended</code>.
  </p>
  <h3>Ask again</h3>
  <p>
    ${endpoint("Answers", "regenerateAnswer", "POST /api/chats/{chat_id}/messages/{message_id}/regenerate")},
    with the id of the question or of an answer to it, makes one more answer with the same
    <code>answer_to</code>; those before it stay. While an answer to that question runs, it is
    refused with 409 <code>answer_running</code>. Different questions of a chat may be answered at
    once. The question sent again with its old <code>client_id</code> asks nothing.
  </p>
  <h3>What it was made from</h3>
  <p>
    ${endpoint("Answers", "getAnswerContext", "GET /api/chats/{chat_id}/messages/{message_id}/context")}
    tells the messages, model, settings and tokens of an answer.
  </p>
  <p>
    The text is Markdown that a model wrote: render it as text, or make it safe first. Links and
    images in it may lead anywhere.
  </p>`;
