/** A whole message: one frame, or all fragments of a message (RFC 6455 §5.4). */
export interface WebSocketMessage {
  /** The frames as they were received, masked if they were. */
  bytes: Buffer;
  /** The content of a text message; undefined for other messages. */
  text: string | undefined;
}

interface Fragment {
  bytes: Buffer;
  payload: Buffer;
  isText: boolean;
}

const opcodes = { continuation: 0, text: 1, close: 8 };

/** Cuts a stream of bytes into WebSocket messages (RFC 6455 §5.2). */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #fragments: Fragment[] = [];

  /** @returns the messages that are complete with these bytes */
  take(bytes: Buffer): WebSocketMessage[] {
    const messages: WebSocketMessage[] = [];
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let frame = readFrame(this.#rest); frame; frame = readFrame(this.#rest)) {
      const whole = this.#rest.subarray(0, frame.length);
      this.#rest = this.#rest.subarray(frame.length);
      // A control frame may stand between the fragments of a message.
      if (frame.opcode >= opcodes.close) {
        messages.push({ bytes: whole, text: undefined });
        continue;
      }
      const isText = frame.opcode === opcodes.text || (this.#fragments[0]?.isText ?? false);
      this.#fragments.push({ bytes: whole, payload: frame.payload, isText });
      if (frame.isFinal) messages.push(this.#join(isText));
    }
    return messages;
  }

  #join(isText: boolean): WebSocketMessage {
    const fragments = this.#fragments;
    this.#fragments = [];
    const payload = Buffer.concat(fragments.map((fragment) => fragment.payload));
    return {
      bytes: Buffer.concat(fragments.map((fragment) => fragment.bytes)),
      text: isText ? payload.toString("utf8") : undefined,
    };
  }
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
