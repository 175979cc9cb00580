// Sends to a socket, and closes it.
import type { ServerWebSocket } from "bun";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { closeCodes, type CloseReason } from "../wire/close-codes.ts";
import type { SocketLog } from "./socket-log.ts";

type LoggedSocket = ServerWebSocket<{ log: SocketLog | undefined }>;

/** Bytes that may wait for a reader. Beyond it the socket is closed; on its return the log catches the reader up. */
export const backpressureBytesMax = 2 * 1024 * 1024;

export type SendMetrics = Pick<Metrics, "frameSent" | "frameDropped">;

/** Sends to one socket. A text that finds no room is dropped, and Bun closes the socket. */
export function sendText(ws: LoggedSocket, metrics: SendMetrics, text: string): void {
  metrics.frameSent();
  writeText(ws, metrics, text);
}

/** Sends like {@link sendText}, and does not count the frame. */
export function writeText(
  ws: LoggedSocket,
  metrics: Pick<Metrics, "frameDropped">,
  text: string,
): void {
  // 0 also where the socket has closed meanwhile.
  if (ws.send(text) !== 0 || ws.readyState !== WebSocket.OPEN) return;
  metrics.frameDropped("slow_reader");
  if (ws.data.log) ws.data.log.endedBy ??= "too_slow";
}

/** Closes with a code of the contract; `detail` follows the reason's word. */
export function closeSocket(ws: LoggedSocket, reason: CloseReason, detail: string): void {
  if (ws.data.log) ws.data.log.endedBy ??= reason;
  // RFC 6455 §5.5: a control frame's payload is at most 125 bytes, two of which are the code.
  ws.close(closeCodes[reason].code, `${reason}: ${detail}`.slice(0, 120));
}
