// How to miss nothing in a room, for /docs/socket.
import { html } from "hono/html";
import { replayBytesMax, replayMax } from "../wire/frames.ts";

const replayLimit = replayMax.toLocaleString("en-US");

export const catchingUp = html`<p>
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
      <code>joined</code>, whose <code>recovered</code> is true: there was nothing to send again.
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
      <code>after_seq: 0</code> brings all messages, if they are not too many.
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
  <h3>Who is here</h3>
  <p>
    Typing and who is here are not kept. <code>joined</code> has <code>online</code>, you among
    them; then <code>user_joined</code> and <code>user_left</code> tell of others.
    <code>typing</code> and <code>stop</code> need membership, not a <code>join</code>. Typing that
    is not passed on is acknowledged all the same, and so is <code>leave</code> of a chat that was
    not joined.
  </p>
  <h3>The end</h3>
  <p>
    A person who leaves the chat or is removed is out of the room with all sockets, without a
    <code>leave</code>: <code>participant_removed</code> is the last frame that they get of it, and
    <code>removed_from_chat</code> follows it. A deleted chat ends with <code>chat_deleted</code>. An
    <code>error</code> with <code>not_found</code> in reply to <code>join</code> means that you are
    not in the chat any more.
  </p>`;
