// The address and scheme of the client. Anybody can write X-Forwarded-For, so it counts only in requests of trusted
// proxies, and only as far as trusted proxies have added to it: from the right, up to the first address that is not a
// trusted proxy's (RFC 7239 §8.1 says the same of Forwarded).
import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { Config } from "../config/config.ts";

export interface Client {
  /** In the form of RFC 5952, an IPv4-mapped one as IPv4; `unknown` where there is none. */
  readonly address: string;
  /** Whether the client speaks TLS, with us or with the trusted proxy in front. */
  readonly secure: boolean;
  /** Host and port by which the client may have reached the server, as header fields say it; the first is the Host. */
  readonly hosts: readonly string[];
  /** The scheme that a trusted proxy names; undefined where none does. */
  readonly forwardedScheme: "http" | "https" | undefined;
}

/** The part of Bun's server that knows who has connected. */
interface PeerServer {
  requestIP(request: Request): { address: string } | null;
}

/** The part of a request's environment that {@link seeClient} reads and sets. */
interface ClientEnv {
  Bindings: { server: PeerServer };
  Variables: { client: Client };
}

/** The context of a request, whether or not its route has more variables. */
export interface ClientContext {
  get(key: "client"): Client;
}

/** Determines the client once for each request, for {@link clientAddress} and {@link isSecure}. */
export function seeClient(config: Config): MiddlewareHandler<ClientEnv> {
  const readClient = createClientReader(config);
  return async (c, next) => {
    c.set("client", readClient(c.req.raw, c.env.server));
    await next();
  };
}

export function createClientReader(config: Config) {
  const isTrusted = trustedBy(config.trustedProxies);
  return (request: Request, server: PeerServer): Client => {
    const { headers } = request;
    const peer = readAddress(server.requestIP(request)?.address ?? "") ?? "unknown";
    const isProxied = isTrusted(peer);
    const forwardedFor = isProxied ? headers.get("x-forwarded-for") : null;
    const forwardedScheme = isProxied ? schemeOf(headers.get("x-forwarded-proto")) : undefined;
    return {
      address: forwardedFor === null ? peer : lastUntrusted(peer, forwardedFor, isTrusted),
      secure: forwardedScheme === "https" || request.url.startsWith("https:"),
      hosts: [
        ...(headers.get("host") ?? "").split(","),
        ...(isProxied ? forwardedHosts(headers) : []),
      ].filter((host) => host !== ""),
      forwardedScheme,
    };
  };
}

/** The network address of the client that made a request. Nothing else in the server determines it. */
export function clientAddress(c: ClientContext): string {
  return c.get("client").address;
}

export function isSecure(c: ClientContext): boolean {
  return c.get("client").secure;
}

/**
 * The network that is counted as one address. For IPv6 it is the /64, since a subscriber gets at least that many
 * addresses (RFC 6177 §2).
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  const first = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0")];
  const network = first.concat(tail?.split(":") ?? []).slice(0, 4);
  return `${network.map((group) => group || "0").join(":")}::/64`;
}

/** The first entry of a list, which the proxy that the client spoke to has written. */
const firstOf = (list: string | null) => list?.split(",")[0]?.trim() ?? "";

function schemeOf(forwardedProto: string | null): "http" | "https" | undefined {
  const scheme = firstOf(forwardedProto).toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : undefined;
}

/** X-Forwarded-Host, with the port of X-Forwarded-Port where it names none. */
function forwardedHosts(headers: Headers): string[] {
  const host = firstOf(headers.get("x-forwarded-host"));
  const port = firstOf(headers.get("x-forwarded-port"));
  if (!/^\d{1,5}$/.test(port)) return [host];
  const name = (host || firstOf(headers.get("host"))).replace(/:\d*$/, "");
  return name === "" ? [host] : [host, `${name}:${port}`];
}

function trustedBy(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [text = "", prefix] = proxy.split("/");
    const address = (prefix === undefined ? readAddress(text) : undefined) ?? text;
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (address) =>
    address !== "unknown" && trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

/** The right-most address that is not a trusted proxy's. An invalid entry ends the search at the proxy that added it. */
function lastUntrusted(
  peer: string,
  forwardedFor: string,
  isTrusted: (address: string) => boolean,
): string {
  let nearest = peer;
  for (const entry of forwardedFor.split(",").toReversed()) {
    const address = readAddress(withoutPort(entry.trim()));
    if (address === undefined) return nearest;
    nearest = address;
    if (!isTrusted(address)) return nearest;
  }
  return nearest;
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  const [, ipv4, ipv6] = /^(?:([\d.]+)|\[([^\]]+)\])(?::\d{1,5})?$/.exec(entry) ?? [];
  return ipv4 ?? ipv6 ?? entry;
}

/** @returns the one spelling of an address; undefined for other text */
function readAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const [address = ""] = text.split("%");
  if (!isIPv6(address)) return undefined;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [upper, lower] = [parseInt(high, 16), parseInt(low, 16)];
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join(".");
}
