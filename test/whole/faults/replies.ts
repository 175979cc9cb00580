import type { Report, Tape } from "./history.ts";

/** No request may stay without its reply for this long while its socket lives. */
const replyMsMax = 20_000;

/** Every request has exactly one reply, unless its socket is cut before it. */
export function checkReplies(tape: Tape, report: Report) {
  const open = new Map<string, { at: number; type: string }>();
  const replied = new Set<string>();
  let at = 0;
  const overdue = () => {
    for (const [id, request] of open) {
      if (at - request.at > replyMsMax) report("never replied", `${request.type} ${id}`);
    }
    open.clear();
  };
  for (const event of tape.events) {
    at = event.at;
    if (event.kind === "closed") overdue();
    if (!("frame" in event)) continue;
    const { type, request_id: id } = event.frame;
    if (id === undefined) continue;
    if (event.kind === "out") open.set(id, { at, type });
    else if (replied.has(id)) report("replied twice", `${type} ${id}`);
    else {
      replied.add(id);
      open.delete(id);
    }
  }
  overdue();
}
