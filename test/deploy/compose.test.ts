// docker-compose.scale.yml: what is reachable from outside, and what each container may do.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dir, "../..");
const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      ports: z.array(z.string()).optional(),
      read_only: z.boolean().optional(),
      environment: z.record(z.string(), z.string()).optional(),
      volumes: z.array(z.string()).optional(),
    }),
  ),
});
const read = (file: string) =>
  Compose.parse(Bun.YAML.parse(readFileSync(join(root, file), "utf8"))).services;

test("only the load balancer has a port outside, and the one that a single server has", () => {
  const scaled = read("docker-compose.scale.yml");
  const published = Object.entries(scaled).filter(([, { ports = [] }]) => ports.length > 0);
  expect(published.map(([name]) => name)).toEqual(["load-balancer"]);
  // It takes the place of the ports of docker-compose.yml, which several containers cannot have.
  expect(readFileSync(join(root, "docker-compose.scale.yml"), "utf8")).toContain(
    "ports: !reset []",
  );
  const [port = ""] = scaled["load-balancer"]?.ports ?? [];
  const [alone = ""] = read("docker-compose.yml").backend?.ports ?? [];
  expect(port.split(":").slice(0, -1)).toEqual(alone.split(":").slice(0, -1));
});

test("servers have the user and password of NATS, and their address has none", () => {
  const { nats, backend } = read("docker-compose.scale.yml");
  const { NATS_USER, NATS_PASSWORD } = nats?.environment ?? {};
  expect(NATS_PASSWORD).toBeString();
  expect(backend?.environment).toMatchObject({
    NATS_URL: "nats://nats:4222",
    NATS_USER: NATS_USER ?? "",
    NATS_PASSWORD: NATS_PASSWORD ?? "",
  });
});

test("NATS and nginx have a root that is read-only, and the files of deploy/", () => {
  const { nats, "load-balancer": balancer } = read("docker-compose.scale.yml");
  for (const [service, file] of [
    [nats, "nats.conf"],
    [balancer, "nginx.conf"],
  ] as const) {
    expect(service?.read_only).toBe(true);
    expect(service?.volumes?.join()).toMatch(new RegExp(`^\\./deploy/${file}:.*:ro$`));
  }
});
