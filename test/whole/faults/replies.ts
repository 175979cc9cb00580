import type { Report, Tape } from "./history.ts";

/** No request may stay without its reply for this long while its socket lives and nothing before it is replied to. */
const replyMsMax = 20_000;

/**
 * Every request has exactly one reply, unless its socket is cut before it. The server runs the requests of a socket one after the
 * other, so that they are replied to in their order: one that is passed over was forgotten. On a busy machine several slow requests
 * can make the next one wait for longer than any of them takes, so the time is measured from the reply before.
 */
export function checkReplies(tape: Tape, report: Report) {
  const open = new Map<string, { at: number; type: string }>();
  const replied = new Set<string>();
  let at = 0;
  let repliedAt = 0;
  const overdue = () => {
    const [oldest] = open;
    open.clear();
    if (!oldest) return;
    const [id, request] = oldest;
    const since = Math.max(request.at, repliedAt);
    if (at - since > replyMsMax) report("never replied", `${request.type} ${id}`);
  };
  const checkReply = (id: string, type: string) => {
    if (replied.has(id)) return report("replied twice", `${type} ${id}`);
    replied.add(id);
    repliedAt = at;
    if (!open.has(id)) return;
    for (const [earlier, request] of open) {
      open.delete(earlier);
      if (earlier === id) break;
      report("replied out of order", `${request.type} ${earlier} was passed over by ${id}`);
    }
  };
  for (const event of tape.events) {
    at = event.at;
    if (event.kind === "closed") overdue();
    if (!("frame" in event)) continue;
    const { type, request_id: id } = event.frame;
    if (id === undefined) continue;
    if (event.kind === "out") open.set(id, { at, type });
    else checkReply(id, type);
  }
  overdue();
}
