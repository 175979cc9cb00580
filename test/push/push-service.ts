// A push service on loopback with one browser: it takes messages as RFC 8030 says, verifies who has sent them (RFC 8292), and decrypts
// them with the browser's keys (RFC 8291, RFC 8188).
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { z } from "zod";

const Payload = z.strictObject({
  chat_id: z.int(),
  seq: z.int(),
  title: z.string(),
  body: z.string(),
});

export interface Pushed {
  payload: z.infer<typeof Payload>;
  ttl: number;
  urgency: string | null;
  topic: string | null;
  bytes: number;
}

export function startPushService() {
  const received: Pushed[] = [];
  /** The statuses of the next answers; 201 afterwards. */
  const statuses: number[] = [];
  /** Pages of browsers whose requests are not answered. */
  const silent = new Set<string>();
  const curve = createECDH("prime256v1");
  const publicKey = curve.generateKeys();
  const auth = randomBytes(16);
  const faults: unknown[] = [];
  let calls = 0;
  let running = 0;
  let most = 0;
  let serverKey = "";

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      calls += 1;
      const page = new URL(request.url).pathname;
      if (silent.has(page)) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        running -= 1;
        return new Response(null);
      }
      const status = statuses.shift() ?? 201;
      if (status !== 201) return new Response("no", { status });
      try {
        received.push(await read(request));
      } catch (error) {
        faults.push(error);
        return new Response("bad", { status: 400 });
      }
      return new Response(null, { status });
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;

  async function read(request: Request): Promise<Pushed> {
    const { headers } = request;
    await verify(headers.get("authorization") ?? "");
    if (headers.get("content-encoding") !== "aes128gcm") throw new Error("not aes128gcm");
    const body = Buffer.from(await request.arrayBuffer());
    return {
      payload: Payload.parse(JSON.parse(decrypt(body).toString())),
      ttl: Number(headers.get("ttl")),
      urgency: headers.get("urgency"),
      topic: headers.get("topic"),
      bytes: body.byteLength,
    };
  }

  /** RFC 8292 §3: `vapid t=…, k=…`. */
  async function verify(authorization: string): Promise<void> {
    const [, token = "", key = ""] = /^vapid t=([^,]+), *k=(.+)$/.exec(authorization) ?? [];
    if (key !== serverKey) throw new Error("another key than the browser has subscribed for");
    const point = Buffer.from(key, "base64url");
    const coordinate = (start: number) => point.subarray(start, start + 32).toString("base64url");
    const keys = createLocalJWKSet({
      keys: [{ kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33), alg: "ES256" }],
    });
    const { payload } = await jwtVerify(token, keys, { audience: origin });
    if (!/^(mailto:|https:)/.test(payload.sub ?? "")) throw new Error("no contact");
    const lifetime = (payload.exp ?? Infinity) - Date.now() / 1_000;
    if (lifetime > 24 * 60 * 60) throw new Error("the token is good for more than a day");
  }

  /** One record, as RFC 8291 §4 says. */
  function decrypt(body: Buffer): Buffer {
    const salt = body.subarray(0, 16);
    const recordSize = body.readUInt32BE(16);
    const idLength = body.readUInt8(20);
    const senderKey = body.subarray(21, 21 + idLength);
    const record = body.subarray(21 + idLength);
    if (record.byteLength > recordSize || body.byteLength > 4_096) throw new Error("too long");
    const shared = curve.computeSecret(senderKey);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), publicKey, senderKey]);
    const secret = Buffer.from(hkdfSync("sha256", shared, auth, info, 32));
    const derive = (name: string, length: number) =>
      Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${name}\0`, length));
    const decipher = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
    decipher.setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    // The delimiter of the last record, after which only padding may stand.
    const end = plain.lastIndexOf(2);
    return plain.subarray(0, end);
  }

  return {
    received,
    statuses,
    silent,
    faults,
    /** As many requests have waited at once for an answer that does not come. */
    get mostSilent() {
      return most;
    },
    get calls() {
      return calls;
    },
    /** The subscription as a browser's `toJSON()` gives it, for one of its pages. */
    subscribe(key: string, page = "page") {
      serverKey = key;
      return {
        endpoint: `${origin}/push/${page}`,
        expirationTime: null,
        keys: { p256dh: publicKey.toString("base64url"), auth: auth.toString("base64url") },
      };
    },
    stop: () => server.stop(true),
  };
}
