// The part of the guide about the list of chats and read positions.
import { html } from "hono/html";
import { mentionCountMax } from "../wire/chats.ts";
import { liveReadsMembersMax } from "../wire/receipts.ts";
import { endpoint } from "./layout.ts";

export const chatList = html`<p>
    A socket receives notifications about all chats of its person, whether it has joined them or
    not. ${endpoint("Chats", "listChats", "GET /api/chats")} returns the list with
    <code>unread_count</code>. Afterwards, <a href="#ServerMention"><code>mention</code></a> reports
    messages that mention the person, and
    <a href="#ServerChatActivity"><code>chat_activity</code></a> reports new messages, including own
    ones, and answers that have ended, in chats that the socket has not joined.
    <code>chat_created</code>, <code>chat_invite</code>, <code>chat_deleted</code> and
    <code>removed_from_chat</code> report new and removed chats, and
    <a href="#ServerChatChanged"><code>chat_changed</code></a> a new name, owner or settings of a
    chat that the socket has not joined. These frames have no number and are not replayed: load the
    list again after a disconnection. Only sockets that have joined a chat are told of changed
    participants.
  </p>
  <p>
    A private chat without a name (<code>is_named: false</code>) has the other person's username as
    its <code>name</code>, for each of the two, in HTTP responses and in frames to one person. In
    <code>chat_updated</code> and <code>chat_changed</code>, which are the same for both, the
    <code>name</code> is another one: keep the name that you have, and load the list again after
    <code>chat_changed</code>, which is also sent when one of the two comes or goes.
  </p>
  <p>
    Messages and frames name people by their usernames. Participants also have a
    <code>display_name</code>, which may be null: show it for their <code>user_id</code>.
    <a href="#ServerUserUpdated"><code>user_updated</code></a> brings the profile of somebody whose
    name has changed, and ${endpoint("People", "getUser", "GET /api/users/{user_id}")} that of
    somebody who has left. ${endpoint("People", "blockUser", "PUT /api/users/{user_id}/block")}
    blocks a person, of which only one's own clients are told, by
    <a href="#ServerBlockedPeople"><code>blocked_people</code></a
    >: fold up messages of those people.
  </p>
  <p>
    Unread messages are messages of others, including the bot, above the read position.
    ${endpoint("Chats", "markRead", "POST /api/chats/{chat_id}/mark-read")} moves the read position
    to a number, or to the newest message; a number above the newest one means the newest one. The
    frame <a href="#ClientRead"><code>read</code></a> does the same. The person's sockets then
    receive <a href="#ServerRead"><code>read</code></a
    >, so that their other clients show the chat as read.
  </p>
  <p>
    ${endpoint("Chats", "changeChatPreferences", "PUT /api/chats/{chat_id}/preferences")} mutes or
    pins a chat for its person, whose sockets receive
    <a href="#ServerPreferences"><code>preferences</code></a
    >. The list stays in the order of activity, and the server goes on to send everything: showing
    pinned chats first and staying silent about muted ones is up to the client.
  </p>
  <h3>Who has read what</h3>
  <p>
    <code>joined</code> has the read positions of a chat's people as <code>reads</code>, and
    <code>read</code> the positions that have moved since, gathered to one frame a second. A person
    has read a message of somebody else if its <code>seq</code> is at most their
    <code>last_read_seq</code> and above their <code>joined_seq</code>. Positions have no number in
    the log: keep the highest one of each person, and replace all of them with each
    <code>joined</code>. A chat with more than ${liveReadsMembersMax} participants sends only one's
    own position. ${endpoint("Chats", "listReaders", "GET …/messages/{message_id}/readers")} and
    ${endpoint("Chats", "listReadReceipts", "GET /api/chats/{chat_id}/read-receipts")} return the
    readers of messages of any chat; merged sockets receive
    <a href="#ServerReadReceiptsUpdated"><code>read_receipts_updated</code></a
    >. Time is kept of a position's last move only: <code>read_at</code> is when a person read the
    message, or later.
  </p>
  <p>
    A person who has set <code>read_receipts</code> to false with
    ${endpoint("Authentication", "changeMe", "PATCH /api/auth/me")} is in none of these, and is
    shown nobody else. What clients have been shown before stays with them until they join again. If
    several servers share a database, people who are connected to another one are shown a move with
    their next <code>joined</code>.
  </p>
  <p>
    <code>mention_count</code> in the list of chats is the number of messages above the read
    position that mention the person, at most ${mentionCountMax.toLocaleString("en-US")}; a person
    who comes back to a chat has none.
  </p>
  <h3>Searching</h3>
  <p>
    ${endpoint("Messages", "searchMessages", "GET /api/search")} finds messages of the person's
    chats, newest first, with the parts that match. A new or edited message is found within two
    seconds. To show a result among its neighbours, load
    ${endpoint("Messages", "listMessages", "GET …/messages?around_seq=")} with its
    <code>seq</code>, and read on with <code>before_seq</code> and <code>after_seq</code> until the
    page that has the oldest message of the joined room: from there on the room's frames go on.
  </p>
  <h3>Permissions</h3>
  <p>
    Every participant may invite people, ask, stop an answer and ask again. Only the owner may
    change the chat's name and settings, remove people, hand the chat over and delete it. The owner
    has to hand the chat over before leaving it.
  </p>`;
