// The written half of /docs/socket.
import { html } from "hono/html";
import { frameBytesMax } from "../wire/client-frames.ts";
import { answers } from "./answers.ts";
import { catchingUp } from "./catching-up.ts";
import { exampleClient } from "./example.ts";
import { endpoint, type Html } from "./layout.ts";

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
  <h3>Stay signed in</h3>
  <p>
    ${endpoint("Authentication", "login", "POST /api/auth/login")} gives an
    <code>access_token</code>, the seconds for which it is good as <code>expires_in</code>, and a
    <code>refresh_token</code>. A socket ends with its access token, with
    <code>token_expired</code>; one that was opened with a ticket has as long as a new access token.
    Before that, get new tokens from
    ${endpoint("Authentication", "refresh", "POST /api/auth/refresh")} and send an
    <code>auth</code> frame with the new access token, or a ticket, on the open socket. If that is
    refused, or is another person's, an <code>error</code> with <code>invalid_token</code> says so,
    and the socket goes on with the token it had. When the session ends, by
    ${endpoint("Authentication", "logout", "POST /api/auth/logout")}, from another session or with a
    changed password, its tokens are good for nothing any more and its sockets are closed with
    <code>revoked</code>.
  </p>
  <h3>Frames: text, ${frameBytesMax / 1024} KiB at most</h3>
  <p>
    A frame is a text, one JSON object. Ids and numbers are integers, times RFC 3339 in UTC. Ignore
    members and types that you don't know: more may come.
  </p>
  <p>
    Once the socket is signed in, a frame with a <code>request_id</code> (a text of 1 to 64
    characters, or an integer) gets exactly one reply that carries it: <code>ack</code>,
    <code>joined</code>, <code>pong</code> or <code>error</code>. Without one only
    <code>join</code>, <code>ping</code> and errors are answered. Before that, an
    <code>auth</code> whose token is refused and any other valid frame close the socket without a
    reply. Replies come in the order of the frames.
  </p>
  <h3>Keep-alive</h3>
  <p>
    The server sends WebSocket pings, which your library answers by itself. A client that is silent
    for two of them, some 50 s, is cut off.
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
    White space at both ends of the content is cut off; what is left is 1 to 16,000 characters.
    Characters are Unicode code points: an emoji that JavaScript counts as two is one. U+0000 and
    lone surrogates are refused.
  </p>
  <p>
    The room, you too, then gets a <a href="#ServerMessage"><code>message</code></a> with your
    <code>client_id</code>, by which you find what you show already. It may come before the
    <code>ack</code>. Sending needs membership, not a <code>join</code>.
    ${endpoint("Messages", "sendMessage", "POST /api/chats/{chat_id}/messages")} does the same over
    HTTP.
  </p>`;

const chatList = html`<p>
    A socket hears of all the person's chats, joined or not.
    ${endpoint("Chats", "listChats", "GET /api/chats")} gives the list with
    <code>unread_count</code>. Then
    <a href="#ServerChatActivity"><code>chat_activity</code></a> tells of new messages in chats that
    this socket has not joined, one's own too, and of an answer when it ends.
    <code>chat_created</code>, <code>chat_invite</code>, <code>chat_deleted</code> and
    <code>removed_from_chat</code> tell of chats that come and go. None of these has a place in the
    numbers, and none is sent again: load the list anew after a break. Of a new name or new members
    only joined sockets hear.
  </p>
  <p>
    Unread are the messages of others, the bot's too, above the read position.
    ${endpoint("Chats", "markRead", "POST /api/chats/{chat_id}/mark-read")} moves that to a number,
    or to the newest one; a higher number means the newest. Nobody is told, not even the person's
    other sockets.
  </p>
  <h3>Who may do what</h3>
  <p>
    Any participant may invite people, ask, stop an answer and ask again. The owner alone may change
    the chat's name and settings, remove people, hand the chat over and delete it. The owner cannot
    leave before it is handed over.
  </p>`;

export const guide: { id: string; title: string; body: Html }[] = [
  { id: "connecting", title: "Connecting", body: connecting },
  { id: "example", title: "An example", body: example },
  { id: "sending", title: "Sending", body: sending },
  { id: "catching-up", title: "Catching up", body: catchingUp },
  { id: "answers", title: "Answers", body: answers },
  { id: "chat-list", title: "The chat list", body: chatList },
];
