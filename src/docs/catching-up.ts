// The section "Catching up" of /docs/socket.
import { html } from "hono/html";
import { onlineMax, replayBytesMax, replayMax } from "../wire/frames.ts";
import { watchedMax } from "../wire/presence.ts";

const replayLimit = replayMax.toLocaleString("en-US");

export const catchingUp = html`<p>
    Each chat has one counter. Every durable change takes the next number: a new message as its
    <code>seq</code>, a later change of a message as its <code>updated_seq</code>, and a change of
    the chat or its participants as the chat's <code>updated_seq</code>. These frames carry a
    number: <code>message</code>, the first and the last <code>bot_stream</code> of an answer,
    <code>message_updated</code>, <code>reaction</code>, <code>participant_added</code>,
    <code>participant_removed</code> and <code>chat_updated</code>. The number of a frame is its
    <code>updated_seq</code>, or its <code>seq</code> if it has no <code>updated_seq</code>.
  </p>
  <h3>Guarantees</h3>
  <ol class="guarantees">
    <li>
      The numbers of a chat are 1, 2, 3 … without gaps, and every client that has joined receives
      them in that order.
    </li>
    <li>An acknowledged change is committed to disk.</li>
    <li>
      A <code>client_id</code> permanently identifies one message of its sender in a chat. A
      repeated request returns that message in its latest state, stores nothing, and does not ask
      the model again.
    </li>
    <li>
      <code>join</code> with <code>after_seq</code> sends every message with a higher
      <code>updated_seq</code>, in its latest state and in that order, followed by
      <code>joined</code> and live frames, without gaps or duplicates; or it returns
      <code>recovered: false</code>.
    </li>
    <li>A person who has left or was removed receives nothing that was written afterwards.</li>
  </ol>
  <h3>The first join</h3>
  <ol>
    <li>
      Send <code>join</code> without <code>after_seq</code>. Live frames start with
      <code>joined</code>, whose <code>recovered</code> is true because nothing had to be replayed.
    </li>
    <li>
      Load <code>GET /api/chats/{chat_id}/messages</code>, and further pages through its
      <code>Link</code> header. Loaded messages and live frames may overlap: keep one message per
      <code>id</code> (<code>message_id</code> in frames), the one with the higher
      <code>updated_seq</code>.
    </li>
    <li>
      The client's position is the <code>last_seq</code> of <code>joined</code>, and afterwards the
      number of the newest frame that carries one.
    </li>
  </ol>
  <h3>After a disconnection</h3>
  <ol>
    <li>
      Reconnect, and send <code>join</code> with the position as <code>after_seq</code> for each
      room that is shown.
    </li>
    <li>
      Missed messages arrive as <code>message</code> frames, edited and deleted ones too, in their
      latest state: replace the message with the same <code>message_id</code>, and order messages by
      <code>seq</code>. Do not change the position until <code>joined</code> arrives; then use its
      <code>last_seq</code>. If the connection is lost in between, the next join starts from the
      same position. A message that has changed several times is sent once, with the number of the
      last change. <code>after_seq: 0</code>
      requests all messages, unless there are too many.
    </li>
    <li>
      If the chat or its participants have changed, <code>joined</code> contains
      <code>chat</code> and <code>participants</code>.
    </li>
    <li>
      <code>recovered: false</code> means that nothing was replayed: the client is more than
      ${replayLimit} messages or ${replayBytesMax / 1024 / 1024} MiB behind, or the room never had
      the position. Discard the room's messages and load them again as after the first join. The
      socket has joined the room nevertheless.
    </li>
  </ol>
  <h3>Presence and typing</h3>
  <p>
    Presence and typing are not stored. <code>joined</code> lists the people who are
    <code>online</code>, including the client's own person; afterwards, <code>user_joined</code> and
    <code>user_left</code> report changes. In a large room, which is that of a chat with more than
    ${onlineMax} participants, <code>online</code> lists ${onlineMax} people,
    <code>online_count</code> counts all, and <code>presence_changed</code> reports the people who
    have come and gone at most once a second: remove those of <code>left</code> from the list, add
    those of <code>joined</code> unless they are in it, and take over <code>online_count</code>.
    <code>typing</code> and <code>stop</code> require membership, but no <code>join</code>. A
    <code>typing</code> frame that is not passed on, and a <code>leave</code> for a chat that the
    socket has not joined, are acknowledged as well.
  </p>
  <p>
    Outside of a room, <code>watch_presence</code> names up to ${watchedMax} people whose status the
    socket is sent in <code>presence</code> frames: <code>online</code>, <code>away</code>, or
    <code>offline</code> with the time when they were last seen. Send it again after each reconnect.
    A person with <code>presence: "invisible"</code>, a setting of <code>PATCH /api/auth/me</code>,
    is shown there as offline, and nobody else is told that they come into a room or go: they are
    not in the <code>online</code> of others and not counted there. A change of the setting looks to
    others as if the person had left the room, or come, at once or within some seconds. What an
    invisible person writes, and that they are typing, is shown as everybody else's.
  </p>
  <h3>Leaving a chat</h3>
  <p>
    When a person leaves the chat or is removed, all their sockets leave the room without a
    <code>leave</code> frame. <code>participant_removed</code> is the last frame of the room that
    they receive; <code>removed_from_chat</code> follows it. A deleted chat ends with
    <code>chat_deleted</code>. An <code>error</code> with <code>not_found</code> in reply to
    <code>join</code> means that the person is not a participant any more.
  </p>`;
