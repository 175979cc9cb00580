// The guide half of /docs/socket.
import { html } from "hono/html";
import { frameBytesMax } from "../wire/client-frames.ts";
import { everyoneMax, mentionsMax } from "../wire/mentions.ts";
import { answers } from "./answers.ts";
import { catchingUp } from "./catching-up.ts";
import { chatList } from "./chat-list.ts";
import { exampleClient } from "./example.ts";
import { endpoint, type Html } from "./layout.ts";

const connecting = html`<p>
    Open a WebSocket at <code>/ws</code> on the host of the API, with <code>wss://</code> for
    <code>https://</code> and <code>ws://</code> for <code>http://</code>. One socket serves all
    chats of a person. There are three ways to authenticate:
  </p>
  <div class="cards">
    <article>
      <h3>A token in the URL</h3>
      <pre tabindex="0"><code>/ws?token={access_token}</code></pre>
      <p>
        The <code>access_token</code> from <code>POST /api/auth/login</code>. This is the simplest
        way, but URLs are written to logs and histories. It opens a
        <a href="#two-forms">merged socket</a>, unless <code>&amp;frames=flat</code> follows.
      </p>
    </article>
    <article>
      <h3>A ticket in the URL</h3>
      <pre tabindex="0"><code>/ws?token={ticket}</code></pre>
      <p>
        The <code>ticket</code> from <code>POST /api/auth/ws-ticket</code>. A ticket is valid for
        one socket and for 30 s. Request a new one for each connection attempt.
      </p>
    </article>
    <article>
      <h3>A first frame</h3>
      <pre tabindex="0"><code>{"type":"auth","token":"…"}</code></pre>
      <p>
        Open <code>/ws</code> without a token, and send
        <a href="#ClientAuth"><code>auth</code></a> with an access token, a ticket or, in programs,
        an access key within 5 s, before any other frame.
      </p>
    </article>
  </div>
  <p>
    The handshake succeeds with any token, because a page cannot read the status of a failed
    handshake. A token that is refused closes the socket with
    <a href="#close-codes">close code 1008</a>. The server sends no greeting. Frames that a client
    sends before the token has been checked are queued. To find out whether the socket is
    authenticated, send a frame with a <code>request_id</code>. A page of another origin receives
    HTTP 403 <code>origin_not_allowed</code>, unless the server's <code>CORS_ORIGINS</code> lists
    its origin. When many sockets come at once, as after a restart, their handshakes take turns;
    when too many wait, the next one receives HTTP 503 with <code>Retry-After</code>.
  </p>
  <h3 id="two-forms">Two forms of frames</h3>
  <p>
    A socket that was opened with a ticket, with a first <code>auth</code> frame or with
    <code>&amp;frames=flat</code> in its URL is a lean socket. All frames on this page, except those
    <a href="#ServerMessageMerged">to merged sockets</a>, are as it receives them. A socket that was
    opened with an access token in the URL is a merged socket, for frontends that were written for
    the FastAPI server and read the nested <code>message</code> of a frame:
  </p>
  <ul>
    <li>
      <a href="#ServerMessageMerged"><code>message</code></a> and
      <a href="#ServerBotStreamMerged"><code>bot_stream</code></a> have all flat members, and a
      nested <code>message</code>. That of an answer has the whole text so far.
    </li>
    <li>
      The messages of all chats of the person arrive, whether the socket has joined them or not; in
      a chat that it has not joined they have
      <a href="#ServerMessageNested">the nested form only</a>. <code>bot_stream</code> and
      <code>typing</code> arrive only in joined chats.
    </li>
    <li>
      <a href="#ServerReadReceiptsUpdated"><code>read_receipts_updated</code></a> reports read
      positions.
    </li>
    <li>
      A <code>leave</code> takes effect after one second, unless a <code>join</code> of the same
      chat follows. Such a <code>join</code> interrupts nothing.
    </li>
  </ul>
  <h3>Staying signed in</h3>
  <p>
    ${endpoint("Authentication", "login", "POST /api/auth/login")} returns an
    <code>access_token</code>, its lifetime in seconds as <code>expires_in</code>, and a
    <code>refresh_token</code>. The server closes a socket with <code>token_expired</code> when its
    access token expires; a socket that was opened with a ticket has the lifetime of a new access
    token. Before that, request new tokens from
    ${endpoint("Authentication", "refresh", "POST /api/auth/refresh")}, and send an
    <code>auth</code> frame with the new access token or a ticket on the open socket. If the token
    is refused or belongs to another person, the reply is an <code>error</code> with
    <code>invalid_token</code>, and the socket continues with its previous token. When the session
    ends, by ${endpoint("Authentication", "logout", "POST /api/auth/logout")}, from another session
    or with a changed or reset password, or the account is deleted, its tokens become invalid and
    its sockets are closed with <code>revoked</code>.
  </p>
  <h3>Frames</h3>
  <p>
    A frame is a text message of at most ${frameBytesMax / 1024} KiB that contains one JSON object.
    Ids and numbers are integers; times are RFC 3339 in UTC. Ignore unknown members and types: later
    versions may add some.
  </p>
  <p>
    On an authenticated socket, a frame with a <code>request_id</code> (a string of 1 to 64
    characters, or an integer) receives exactly one reply with the same <code>request_id</code>:
    <code>ack</code>, <code>joined</code>, <code>pong</code> or <code>error</code>. Without a
    <code>request_id</code>, only <code>join</code>, <code>ping</code> and frames that are refused
    receive a reply. Before authentication, an <code>auth</code> frame with a refused token and any
    other valid frame close the socket without a reply. Replies are sent in the order of the frames.
  </p>
  <h3>Keep-alive</h3>
  <p>
    The server sends WebSocket pings, which WebSocket libraries answer automatically. The server
    disconnects a client that does not answer two pings, after about 50 s.
  </p>`;

const example = html`<p>
    This client reads one room. It loads the newest messages, follows the room, shows answers while
    they are written, and catches up after a disconnection. It has no dependencies.
    <code>show</code> is called with a message again whenever the message changes, and orders
    messages by <code>seq</code>.
  </p>
  <p>
    The example does not renew tokens, load older messages, send messages, or show who is online or
    typing, and its pauses do not depend on the close code. <code>gemini-coop/client</code> does all
    of this.
  </p>
  <pre class="long" tabindex="0"><code>${exampleClient}</code></pre>`;

const sending = html`<p>
    Send <a href="#ClientMessage"><code>message</code></a> with a <code>request_id</code> and a
    <code>client_id</code> that the client generates, for example a UUID. <code>ack</code> means
    that the message is stored durably. If the connection is lost before the <code>ack</code>, send
    the same frame with the same <code>client_id</code> on the next connection: the message is
    stored once, and the reply refers to the first request. A <code>client_id</code> permanently
    identifies one message of its sender in a chat; a message with the same
    <code>client_id</code> and other content, other files or another <code>reply_to</code> is
    refused with <code>client_id_reused</code>.
  </p>
  <p>
    <a href="#ClientEdit"><code>edit</code></a> and <a href="#ClientDelete"><code>delete</code></a>
    change a message that is stored. Both can be sent again until they are acknowledged: an edit to
    the same content and a second deletion take no number. Everybody in the room receives
    <a href="#ServerMessageUpdated"><code>message_updated</code></a
    >. A deleted message keeps its place and its author, has a <code>deleted_at</code> and no
    content. A repeated <code>message</code> is compared with the content that was sent first,
    whatever the message was edited to; once it is deleted, any content is accepted, and nothing is
    stored.
  </p>
  <p>
    The content is stored exactly as it is sent: 1 to 16,000 characters, which must not all be white
    space; with <code>attachment_ids</code> it may be empty. White space at its ends is removed if
    it is longer only because of that. Characters are Unicode code points, so an emoji of two UTF-16
    units counts as one. U+0000 and lone surrogates are refused. A question is trimmed when the
    model is asked, not when it is stored.
  </p>
  <p>
    Everybody in the room, including the sender, then receives a
    <a href="#ServerMessage"><code>message</code></a> frame. Its <code>client_id</code> identifies a
    message that the sender shows already. It may arrive before the <code>ack</code>. The sender has
    to be a participant of the chat, but does not have to join.
    ${endpoint("Messages", "sendMessage", "POST /api/chats/{chat_id}/messages")} does the same over
    HTTP.
  </p>
  <h3>Replies</h3>
  <p>
    <code>reply_to</code> is the id of a message of the same chat, of a person or of the bot. A
    message that was deleted cannot be replied to, and a message whose id is not in the chat is
    refused in the same way, with <code>invalid</code>. A reply keeps its <code>reply_to</code> when
    that message is deleted later. A reply to an answer of the bot asks nothing by itself; if it
    asks, the model is shown the message that it replies to.
  </p>
  <h3>Mentions</h3>
  <p>
    <code>@name</code> in a message mentions a participant of the chat, in upper or lower case. The
    server stores the ids in <code>mentions</code>, in the order of the text and without the author.
    The name ends before a character that usernames do not have; <code>.</code>, <code>-</code> and
    <code>_</code> at its end belong to it only if a participant has that name. Code spans and
    fenced code of Markdown, addresses of pages and e-mail addresses mention nobody, and neither do
    names that no participant has. The first ${mentionsMax} different names of a message count.
  </p>
  <p>
    In a group, <code>@all</code> mentions everybody else, in the order of their ids; in a group of
    more than ${everyoneMax} people only its owner may do that, and for others it is ordinary text.
    <code>@Gemini</code> asks the model. Nobody can register as <code>all</code> or
    <code>Gemini</code>; an older account with the name <code>all</code> is mentioned by it where it
    does not mention everybody.
  </p>
  <p>
    All sockets of a mentioned person receive <a href="#ServerMention"><code>mention</code></a
    >, whether they have joined the chat or not.
  </p>`;

export const guide: { id: string; title: string; body: Html }[] = [
  { id: "connecting", title: "Connecting", body: connecting },
  { id: "example", title: "An example", body: example },
  { id: "sending", title: "Sending", body: sending },
  { id: "catching-up", title: "Catching up", body: catchingUp },
  { id: "answers", title: "Answers", body: answers },
  { id: "chat-list", title: "The chat list", body: chatList },
];
