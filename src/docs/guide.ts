// The written half of /docs/socket.
import { html } from "hono/html";
import { frameBytesMax, replayBytesMax, replayMax } from "../wire/frames.ts";
import { exampleClient } from "./example.ts";
import type { Html } from "./layout.ts";

const replayLimit = replayMax.toLocaleString("en-US");

const connecting = html`<p>
    Open <code>/ws</code> on the host of the API: <code>wss://</code> where it is reached by
    <code>https://</code>, <code>ws://</code> where by <code>http://</code>. One socket serves all
    chats of a person. There are three ways to say who you are:
  </p>
  <div class="cards">
    <article>
      <h3>A token in the address</h3>
      <pre tabindex="0"><code>/ws?token={access_token}</code></pre>
      <p>
        The <code>access_token</code> of <code>POST /api/auth/login</code>. The shortest way; but an
        address stands in logs and histories.
      </p>
    </article>
    <article>
      <h3>A ticket in the address</h3>
      <pre tabindex="0"><code>/ws?token={ticket}</code></pre>
      <p>
        The <code>ticket</code> of <code>POST /api/auth/ws-ticket</code>: good for one socket and
        for 30 s, and worth nothing afterwards. Get a new one for each try to connect.
      </p>
    </article>
    <article>
      <h3>A first frame</h3>
      <pre tabindex="0"><code>{"type":"auth","token":"…"}</code></pre>
      <p>
        Open <code>/ws</code> without a token and send
        <a href="#ClientAuth"><code>auth</code></a> with an access token or a ticket within 5 s,
        before any other frame.
      </p>
    </article>
  </div>
  <p>
    The handshake succeeds whatever the token is, since a page can't read the status of one that
    failed: a token that is refused is answered with
    <a href="#close-codes">close code 1008</a>. There is no greeting. Frames that are sent at once
    wait until the token was looked at; to know that you are in, send a frame with a
    <code>request_id</code>. A page of another origin gets HTTP 403 with
    <code>origin_not_allowed</code> instead of a socket, unless the server's
    <code>CORS_ORIGINS</code> names it.
  </p>
  <p>
    <strong>Stay signed in.</strong> A socket ends with its access token, with
    <code>token_expired</code>. Before that (<code>expires_in</code> says when), get new tokens from
    <code>POST /api/auth/refresh</code> and send an <code>auth</code> frame with the new access
    token on the open socket. If that token is refused, an <code>error</code> with
    <code>invalid_token</code> says so, and the socket goes on with the one it had.
  </p>
  <p>
    <strong>Frames</strong> are text, one JSON object each, ${frameBytesMax / 1024} KiB at most. Ids
    and numbers are integers, times RFC 3339 in UTC. Ignore members and types that you don't know:
    more may come. Once the socket is signed in, a frame with a <code>request_id</code> (a text of 1
    to 64 characters, or an integer) gets exactly one reply that carries it: <code>ack</code>,
    <code>joined</code>, <code>pong</code> or <code>error</code>. Without one, only errors are
    answered. Before that, an <code>auth</code> whose token is refused and any other valid frame
    close the socket without a reply. Replies come in the order of the frames. WebSocket pings are
    answered by your library; a client that is silent for two of them, some 50 s, is cut off.
  </p>`;

const example = html`<p>
    A client that reads one room: it loads the newest messages, follows, shows answers as they are
    written, and catches up after a break. Paste it; it needs nothing else. <code>show</code> gets a
    message anew whenever it changes, and orders them by <code>seq</code>.
  </p>
  <p>
    It leaves out: renewing tokens, older messages, sending, who is in the room and who is typing;
    and a pause is the same whatever the close code. <code>gemini-coop/client</code> does all that.
  </p>
  <pre class="long" tabindex="0"><code>${exampleClient}</code></pre>`;

const sending = html`<p>
    Send <a href="#ClientMessage"><code>message</code></a> with a <code>request_id</code> and a
    <code>client_id</code> that you make up, a UUID say. <code>ack</code> means that it is stored:
    no crash loses it. If the connection breaks before that, send the same frame again on the next
    one, with the same <code>client_id</code>: it is stored once, and the reply names the first. A
    <code>client_id</code> is good for one message of its sender in a chat, for ever; with other
    content it is refused as <code>client_id_reused</code>.
  </p>
  <p>
    The room, you too, then gets a <a href="#ServerMessage"><code>message</code></a> with your
    <code>client_id</code>, by which you find what you show already. It may come before the
    <code>ack</code>. Sending needs membership, not a <code>join</code>.
    <code>POST /api/chats/{chat_id}/messages</code> does the same over HTTP.
  </p>`;

const catchingUp = html`<p>
    Each chat has one counter. Every durable change takes its next number: a new message as its
    <code>seq</code>, a later change of it as its <code>updated_seq</code>, a change of the chat or
    its members as the chat's <code>updated_seq</code>. The frames that carry such a number:
    <code>message</code>, the first and the last <code>bot_stream</code> of an answer,
    <code>message_updated</code>, <code>participant_added</code>,
    <code>participant_removed</code> and <code>chat_updated</code>. A frame's number is its
    <code>updated_seq</code>, or its <code>seq</code> if it has none.
  </p>
  <h3>What is guaranteed</h3>
  <ol class="guarantees">
    <li>
      The numbers of a chat are 1, 2, 3 … without gaps, and everyone who has joined sees them in
      that order.
    </li>
    <li>What was acknowledged is committed to disk: no crash loses it.</li>
    <li>
      A <code>client_id</code> is good for one message of its sender in a chat, for ever. A retry
      returns that one, stores nothing and asks the model nothing.
    </li>
    <li>
      <code>join</code> with <code>after_seq</code> brings every message whose
      <code>updated_seq</code> is higher, in its latest state and in that order, then
      <code>joined</code>, then live frames: nothing missing, nothing twice. Or
      <code>recovered: false</code>.
    </li>
    <li>Who has left or was removed receives nothing that was written afterwards.</li>
  </ol>
  <h3>The first time</h3>
  <ol>
    <li>
      Send <code>join</code> without <code>after_seq</code>. Live frames begin with
      <code>joined</code>.
    </li>
    <li>
      Then load <code>GET /api/chats/{chat_id}/messages</code>, and further pages by its
      <code>Link</code> header. What is loaded and what came live may overlap: keep one message per
      <code>id</code> (<code>message_id</code> in frames), the one with the higher
      <code>updated_seq</code>.
    </li>
    <li>
      Your position is <code>last_seq</code> of <code>joined</code>, and from then on the number of
      the newest frame that carries one.
    </li>
  </ol>
  <h3>After a break</h3>
  <ol>
    <li>
      Connect again and send <code>join</code> with your position as <code>after_seq</code>, for
      each room that is shown.
    </li>
    <li>
      What you missed comes as <code>message</code> frames: put each in the place of the one with
      its <code>message_id</code>, and order messages by <code>seq</code>. Leave your position where
      it is until <code>joined</code> has come, then take its <code>last_seq</code>: if the
      connection breaks in between, you begin again from the same place.
    </li>
    <li>
      If the chat or its members changed meanwhile, <code>joined</code> carries
      <code>chat</code> and <code>participants</code>.
    </li>
    <li>
      With <code>recovered: false</code> nothing was sent again: you are more than ${replayLimit}
      messages or ${replayBytesMax / 1024 / 1024} MiB behind, or the room never had your number.
      Drop what you have of the room and load it as at the first time; the join itself holds.
    </li>
  </ol>
  <p>
    An <code>error</code> with <code>not_found</code> in reply to <code>join</code> means that you
    are not in the chat any more. Typing and who is here are not kept: <code>joined</code> has
    <code>online</code>, then <code>user_joined</code> and <code>user_left</code>.
  </p>`;

const answers = html`<p>
    A message that begins with <code>/bot</code> asks the model; in a chat with
    <code>is_ai_chat</code> every message does. The question is a message like any other. Its answer
    comes to the whole room:
  </p>
  <ol>
    <li>
      <a href="#ServerBotStreamFirst"><code>bot_stream</code></a> with a <code>seq</code>, which no
      other has, <code>answer_to</code> and an empty chunk: show an empty message of the bot.
    </li>
    <li>
      <a href="#ServerBotStream"><code>bot_stream</code></a> with a <code>chunk</code> and its
      <code>offset</code>, the place of the chunk in the answer in UTF-16 units, as JavaScript, Java
      and C# count them: <code>text = text.slice(0, offset) + chunk</code>.
    </li>
    <li>
      <a href="#ServerBotStreamLast"><code>bot_stream</code></a> with
      <code>is_complete: true</code>, exactly one, always the last: <code>full_response</code> is
      the text that is stored, <code>status</code> how it ended.
    </li>
  </ol>
  <p>
    <strong>A reconnect in the middle.</strong> What is missed of an answer is not sent in pieces.
    With <code>after_seq</code> its message comes first, with <code>status: "streaming"</code>;
    after <code>joined</code> comes one <code>bot_stream</code> with <code>offset: 0</code> and all
    the text so far, then live chunks. A chunk with <code>offset: 0</code> always replaces what you
    show, whenever it comes. If the answer ended meanwhile, its message comes as it is stored, and
    no <code>bot_stream</code>.
  </p>
  <p>
    <strong>How it ends.</strong> <code>complete</code>; <code>stopped</code> by a participant;
    <code>failed</code>, <code>blocked</code> by the model's provider, <code>truncated</code> at its
    length limit, or <code>interrupted</code> by a restart of the server. The text so far is always
    kept, and where there is an <code>error</code> it can be shown to a person.
  </p>
  <p>
    <strong>Stop.</strong> Any participant may send <a href="#ClientStop"><code>stop</code></a> with
    the answer's <code>message_id</code>. After its end, that is refused with
    <code>answer_ended</code>.
  </p>
  <p>
    <strong>Ask again.</strong>
    <code>POST /api/chats/{chat_id}/messages/{message_id}/regenerate</code>, with the id of the
    question or of an answer to it, makes one more answer with the same <code>answer_to</code>;
    those before it stay. While an answer to that question runs, it is refused with 409
    <code>answer_running</code>. Different questions of a chat may be answered at once.
  </p>
  <p>
    The text is Markdown that a model wrote: render it as text, or make it safe first. Links and
    images in it may lead anywhere.
  </p>`;

const chatList = html`<p>
  A socket hears of all the person's chats, joined or not. <code>GET /api/chats</code> gives the
  list with <code>unread_count</code>. Then
  <a href="#ServerChatActivity"><code>chat_activity</code></a> tells of new messages in chats that
  this socket has not joined, and <code>chat_created</code>, <code>chat_invite</code>,
  <code>chat_deleted</code> and <code>removed_from_chat</code> of chats that come and go. These have
  no numbers and are not sent again: load the list anew after a break.
  <code>POST /api/chats/{chat_id}/mark-read</code> moves the read position.
</p>`;

export const guide: { id: string; title: string; body: Html }[] = [
  { id: "connecting", title: "Connecting", body: connecting },
  { id: "example", title: "An example", body: example },
  { id: "sending", title: "Sending", body: sending },
  { id: "catching-up", title: "Catching up", body: catchingUp },
  { id: "answers", title: "Answers", body: answers },
  { id: "chat-list", title: "The chat list", body: chatList },
];
