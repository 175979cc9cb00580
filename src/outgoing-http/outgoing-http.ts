// Requests to addresses that people have entered, such as those of webhooks. They must not reach what only this server can reach
// (server-side request forgery).
import { lookup } from "node:dns/promises";
import { request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { createAddressCheck } from "./addresses.ts";

const defaultTimeoutMs = 10_000;
/** Bytes of a response that are read. What follows is left out. */
const responseBytesMax = 64 * 1024;
const urlLengthMax = 2_048;

/** The reason why a request failed. `address_refused`: nobody was called. */
export type OutgoingFailure = "address_refused" | "name_not_found" | "timeout" | "tls" | "network";

/** Thrown where there is no response. The message has neither the address nor anything that a peer has sent. */
export class OutgoingError extends Error {
  readonly failure: OutgoingFailure;

  constructor(failure: OutgoingFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OutgoingError";
    this.failure = failure;
  }
}

export interface OutgoingRequest {
  method: "POST" | "GET";
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array | undefined;
  /** Ends the request early. */
  signal?: AbortSignal | undefined;
}

export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The first 64 KiB. */
  readonly body: Uint8Array;
}

export interface OutgoingHttpOptions {
  /** Addresses and CIDR networks that may be called although they are not public. */
  allowed: readonly string[];
  /** For the whole request: the look-up of the name, the connection, and the response. */
  timeoutMs?: number | undefined;
  /** Finds the addresses of a name: the system's resolver unless said otherwise. */
  resolve?: ((host: string) => Promise<readonly string[]>) | undefined;
}

/** A port, so that features can be given another one. */
export interface OutgoingHttp {
  /**
   * Sends a request to a public address, and to no other one. The name is looked up once and its vetted address is dialled, so that no second
   * look-up can give another one (DNS rebinding). Redirects are responses like others. No connection is used twice.
   * @throws OutgoingError when there is no response
   */
  send(request: OutgoingRequest): Promise<OutgoingResponse>;
  /**
   * Says why an address can never be called; undefined if it may be. Names are not looked up: {@link send} does that.
   * @returns a sentence for a person
   */
  faultOf(url: string): string | undefined;
}

export function createOutgoingHttp({
  allowed,
  timeoutMs = defaultTimeoutMs,
  resolve = resolveBySystem,
}: OutgoingHttpOptions): OutgoingHttp {
  const isAllowed = createAddressCheck(allowed);
  const check = (text: string) => checkUrl(text, isAllowed);
  return {
    faultOf(text) {
      const checked = check(text);
      return typeof checked === "string" ? checked : undefined;
    },
    async send(request) {
      const url = check(request.url);
      if (typeof url === "string") throw new OutgoingError("address_refused", url);
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
      const vetted = await vettedAddresses(url, { resolve, isAllowed, signal });
      try {
        return await exchange(url, request, { vetted, signal });
      } catch (error) {
        throw failureOf(error, deadline);
      }
    },
  };
}

async function resolveBySystem(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The host of a URL as the WHATWG's parser normalises it: hexadecimal, octal and short forms of IPv4 have become the usual one. */
const hostOf = (url: URL) => url.hostname.replace(/^\[(.*)\]$/, "$1");

function checkUrl(text: string, isAllowed: (address: string) => boolean): URL | string {
  const url = text.length <= urlLengthMax ? URL.parse(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return "It is no http:// or https:// address.";
  if (url.username || url.password) return "An address must not have a username or a password.";
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isAllowed(host)) return notPublic;
  if (isLoopbackName(host) && !loopback.some(isAllowed)) return notPublic;
  return url;
}

const loopback = ["127.0.0.1", "::1"];

/** RFC 6761 §6.3: these names are always those of the machine itself, so no look-up is needed to refuse them. */
const isLoopbackName = (host: string) => /(^|\.)localhost\.?$/.test(host);

const notPublic = "The address is not a public one.";

interface Vetting {
  resolve: (host: string) => Promise<readonly string[]>;
  isAllowed: (address: string) => boolean;
  signal: AbortSignal;
}

/** The addresses to dial. A name that has a forbidden address among others is refused: which of them is dialled would be chance. */
async function vettedAddresses(
  url: URL,
  { resolve, isAllowed, signal }: Vetting,
): Promise<readonly string[]> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return [host];
  const addresses = await unlessAborted(resolve(host), signal).catch((error: unknown) => {
    if (signal.aborted) throw failureOf(error, signal);
    throw new OutgoingError("name_not_found", "The name of the host was not found.", {
      cause: error,
    });
  });
  if (addresses.length === 0)
    throw new OutgoingError("name_not_found", "The name of the host has no address.");
  if (!addresses.every(isAllowed)) throw new OutgoingError("address_refused", notPublic);
  return addresses;
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new Error("aborted"));
  signal.throwIfAborted();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Gives the dial the vetted addresses; nothing is looked up any more. */
function lookupOf(vetted: readonly string[]): LookupFunction {
  const found = vetted.map((address) => ({ address, family: isIP(address) }));
  return (_, options, callback) => {
    if (options.all) callback(null, found);
    else callback(null, found[0]?.address ?? "", found[0]?.family ?? 0);
  };
}

function exchange(
  url: URL,
  { method, headers, body }: OutgoingRequest,
  { vetted, signal }: { vetted: readonly string[]; signal: AbortSignal },
): Promise<OutgoingResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<OutgoingResponse>();
  const length = body === undefined ? 0 : Buffer.byteLength(body);
  const options: RequestOptions = {
    method,
    // A kept-alive socket would be used again without a look-up.
    agent: false,
    headers: {
      ...headers,
      "accept-encoding": "identity",
      connection: "close",
      "content-length": String(length),
    },
    lookup: lookupOf(vetted),
    signal,
  };
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const request = send(url, options, (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = () => {
      const read = Buffer.concat(chunks).subarray(0, responseBytesMax);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read });
    };
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < responseBytesMax) return;
      done();
      request.destroy();
    });
    response.on("end", done);
    response.on("error", reject);
    response.on("aborted", () => reject(new Error("the response was cut off")));
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

const tlsCodes = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|TLS_|HOSTNAME_)/;

function failureOf(error: unknown, deadline: AbortSignal): OutgoingError {
  if (error instanceof OutgoingError) return error;
  const options = { cause: error };
  if (deadline.aborted) {
    return new OutgoingError("timeout", "The host did not answer in time.", options);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (tlsCodes.test(code)) {
    return new OutgoingError("tls", "The host has no valid certificate.", options);
  }
  return new OutgoingError("network", "The host cannot be reached.", options);
}
