/** Below the ports of outgoing connections: a server that was ended must find its own free again. */
export function freePort(): number {
  const first = 15_000 + Math.floor(Math.random() * 10_000);
  for (let port = first; port < first + 100; port += 1) {
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      continue; // somebody listens there
    }
  }
  throw new Error(`no port from ${first} on is free`);
}
