// Cuts a stream of bytes into WebSocket messages (RFC 6455 §5.2), as they are: nothing is unmasked but to be looked at.

/** A whole message: one frame, or all fragments of one (§5.4). */
export interface WebSocketMessage {
  /** As it came, to be passed on. */
  bytes: Buffer;
  /** Of a text message; undefined for everything else. */
  text: string | undefined;
}

const opcodes = { continuation: 0, text: 1, close: 8 };

export function createMessageReader() {
  let rest: Buffer = Buffer.alloc(0);
  let fragments: { bytes: Buffer; payload: Buffer; isText: boolean }[] = [];

  function take(bytes: Buffer): WebSocketMessage[] {
    const messages: WebSocketMessage[] = [];
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
      const whole = rest.subarray(0, frame.length);
      rest = rest.subarray(frame.length);
      // A control frame may come between the fragments of a message.
      if (frame.opcode >= opcodes.close) {
        messages.push({ bytes: whole, text: undefined });
        continue;
      }
      const isText = frame.opcode === opcodes.text || (fragments[0]?.isText ?? false);
      fragments.push({ bytes: whole, payload: frame.payload, isText });
      if (!frame.isFinal) continue;
      messages.push({
        bytes: Buffer.concat(fragments.map((fragment) => fragment.bytes)),
        text: isText
          ? Buffer.concat(fragments.map((fragment) => fragment.payload)).toString("utf8")
          : undefined,
      });
      fragments = [];
    }
    return messages;
  }

  return { take };
}

function readFrame(bytes: Buffer) {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  let at = 2;
  let size = second & 0x7f;
  if (size === 126) {
    if (bytes.length < 4) return undefined;
    size = bytes.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return undefined;
    size = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const isMasked = (second & 0x80) !== 0;
  const mask = isMasked ? bytes.subarray(at, at + 4) : undefined;
  if (isMasked) at += 4;
  const length = at + size;
  if (bytes.length < length) return undefined;
  const raw = bytes.subarray(at, length);
  const payload = mask ? raw.map((byte, index) => byte ^ (mask[index % 4] ?? 0)) : raw;
  return {
    length,
    opcode: first & 0x0f,
    isFinal: (first & 0x80) !== 0,
    payload: Buffer.from(payload),
  };
}
