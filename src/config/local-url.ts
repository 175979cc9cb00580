import type { Config } from "./config.ts";

/**
 * The address of a server for a client on its machine.
 * @param loopback the host where the server listens on all addresses
 */
export function localUrl(
  { host, port }: Pick<Config, "host" | "port">,
  loopback = "localhost",
): string {
  if (["0.0.0.0", "::"].includes(host)) return `http://${loopback}:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
