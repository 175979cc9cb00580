// Guests who leave chats, are removed from them, and are invited again.
import type { Client } from "./client.ts";
import type { Figures } from "./figures.ts";
import type { Move } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

export interface MoverParts {
  guest: Person;
  owner: Person;
  /** People who never leave, and invite others. */
  members: readonly Person[];
  clients: readonly Client[];
  moves: Move[];
  figures: Figures;
  onIncident: (words: string) => void;
}

/** Lets a guest leave a chat, or come into it. @returns whether the guest is in it then */
export async function moveOnce(
  parts: MoverParts,
  chatId: number,
  random: Random,
  wasIn: boolean,
): Promise<boolean> {
  const { guest, owner } = parts;
  const kind = wasIn ? "participant_removed" : "participant_added";
  parts.moves.push({ chatId, userId: guest.id, kind, startedAt: performance.now() });
  parts.figures.moves += 1;
  const path = `/api/chats/${chatId}`;
  if (!wasIn) return invite(parts, chatId, path, random);
  const leaves = random.chance(0.3);
  const reply = leaves
    ? await guest.certainly("POST", `${path}/leave`)
    : await owner.certainly("DELETE", `${path}/participants/${guest.id}`);
  // A retry finds nobody to remove.
  if (reply?.status !== 200 && reply?.status !== 404) {
    parts.onIncident(`a removal was answered with ${JSON.stringify(reply)}`);
  }
  return false;
}

async function invite(parts: MoverParts, chatId: number, path: string, random: Random) {
  const { guest, owner, members, clients, onIncident } = parts;
  const host = random.pick([owner, ...members]);
  const body = { username: guest.username };
  const reply = await host.certainly("POST", `${path}/invite`, body);
  if (reply?.status !== 200) {
    onIncident(`an invitation was answered with ${JSON.stringify(reply)}`);
  }
  for (const client of clients) if (client.person === guest) client.invited(chatId);
  if (random.chance(0.3)) {
    const role = random.pick(["moderator", "member"]);
    const changed = await owner.certainly("PATCH", `${path}/participants/${guest.id}`, {
      role,
    });
    if (changed?.status !== 200) {
      onIncident(`a change of a role was answered with ${JSON.stringify(changed)}`);
    }
  }
  return true;
}
