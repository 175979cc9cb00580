// The frames that tell a socket of the people that it watches.
import { PresenceFrame, type UserPresence } from "../../src/wire/presence.ts";
import type { TestSocket } from "../world/socket.ts";

interface Known {
  id: number;
}

export const offline = ({ id }: Known, last_seen_at: string | null = null): UserPresence => ({
  user_id: id,
  status: "offline",
  last_seen_at,
});

export const online = ({ id }: Known): UserPresence => ({
  user_id: id,
  status: "online",
  last_seen_at: null,
});

/** Watches people. @returns the statuses that came before the acknowledgement */
export async function watch(socket: TestSocket, ...people: Known[]): Promise<UserPresence[]> {
  const from = socket.frames.length;
  const reply = await socket.ask({
    type: "watch_presence",
    user_ids: people.map(({ id }) => id),
  });
  if (reply.type !== "ack") throw new Error(JSON.stringify(reply));
  const first = socket.frames
    .slice(from)
    .filter(({ type }) => type === "presence")
    .map((frame) => PresenceFrame.parse(frame))
    .find(({ users }) => users.length === people.length);
  if (!first) throw new Error("no statuses came before the acknowledgement");
  return first.users;
}

/** Settles when a frame tells of a status that has not been looked at. Frames before it are passed over. */
export async function told(
  socket: TestSocket,
  person: Known,
  status: string,
): Promise<UserPresence> {
  for (;;) {
    const { users } = PresenceFrame.parse(await socket.next("presence"));
    const found = users.find(({ user_id }) => user_id === person.id);
    if (found?.status === status) return found;
  }
}

/** Settles when the latest that the socket was told of a person is a status. */
export async function shows(socket: TestSocket, person: Known, status: string): Promise<void> {
  while (statusesOf(socket, person).at(-1) !== status) await socket.next("presence");
}

/** All statuses of a person that the socket was told, in order. */
export function statusesOf(socket: TestSocket, person: Known): string[] {
  return socket
    .ofType("presence")
    .flatMap((frame) => PresenceFrame.parse(frame).users)
    .filter(({ user_id }) => user_id === person.id)
    .map(({ status }) => status);
}
