// The manifests of deploy/kubernetes against the schemas of Kubernetes, and against the server that they run.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import { z } from "zod";
import { readConfig } from "../../src/config/config.ts";
import { useWorld } from "../world/world.ts";

const folder = join(import.meta.dir, "../../deploy/kubernetes");
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const kinds = [
  Deployment,
  HorizontalPodAutoscaler,
  NetworkPolicy,
  PodDisruptionBudget,
  ConfigMap,
  Namespace,
  Secret,
  Service,
];

const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
type Manifest = z.infer<typeof Manifest>;

const read = (file: string) => readFileSync(join(folder, file), "utf8");
const manifests = files
  .filter((file) => file !== "kustomization.yaml")
  .flatMap((file) =>
    [Bun.YAML.parse(read(file))]
      .flat()
      .map((manifest) => ({ file, manifest: Manifest.parse(manifest) })),
  );

/** @returns what the schema of its kind has against a manifest; undefined for a valid one */
function faultOf(manifest: Manifest): string | undefined {
  const Kind = kinds.find(
    (kind) => kind.is({ ...manifest, metadata: {} }) && kind.name === manifest.kind,
  );
  if (!Kind) return `no schema is known for ${manifest.apiVersion} ${manifest.kind}`;
  try {
    Reflect.construct(Kind, [manifest]).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** The paths of all members. */
function pathsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const members = Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return [path, ...members];
}

/** A copy in which one member is something that no schema takes. */
function spoilt(manifest: Manifest, path: (string | number)[]): Manifest {
  const copy = structuredClone(manifest);
  let parent: unknown = copy;
  for (const name of path.slice(0, -1)) parent = Reflect.get(Object(parent), name);
  Reflect.set(Object(parent), path.at(-1) ?? "", [[[]]]);
  return copy;
}

function find<T extends z.ZodType>(kind: string, name: string, schema: T): z.output<T> {
  const found = manifests.find(
    ({ manifest }) => manifest.kind === kind && manifest.metadata.name === name,
  );
  return schema.parse(found?.manifest);
}

describe("each manifest", () => {
  test.each(manifests.map(({ file, manifest }) => [file, manifest.kind, manifest] as const))(
    "of %s is a valid %s, all members of which the schema knows",
    (_, __, manifest) => {
      expect(faultOf(manifest)).toBeUndefined();
      // A member that the schema does not know may have any value.
      const unknown = pathsOf(manifest)
        .filter((path) => path.length > 0 && !["apiVersion", "kind"].includes(String(path[0])))
        .filter((path) => faultOf(spoilt(manifest, path)) === undefined);
      expect(unknown).toEqual([]);
    },
  );

  test("is applied, but for the example of the secrets", () => {
    const { resources } = z
      .object({ resources: z.array(z.string()) })
      .parse(Bun.YAML.parse(read("kustomization.yaml")));
    const left = ["kustomization.yaml", "secret.example.yaml"];
    expect([...resources, ...left].toSorted()).toEqual(files.toSorted());
  });
});

const Pod = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.object({ runAsNonRoot: z.literal(true) }),
        containers: z.array(
          z.object({
            lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.int() }) }) }),
            securityContext: z.object({
              readOnlyRootFilesystem: z.literal(true),
              allowPrivilegeEscalation: z.literal(false),
            }),
            startupProbe: z.object({ httpGet: z.object({ path: z.literal("/health") }) }),
            livenessProbe: z.object({ httpGet: z.object({ path: z.literal("/health") }) }),
            readinessProbe: z.object({ httpGet: z.object({ path: z.literal("/ready") }) }),
          }),
        ),
      }),
    }),
  }),
});
const Selecting = z.object({ spec: z.object({ selector: z.record(z.string(), z.string()) }) });
const Data = z.object({ data: z.record(z.string(), z.string()) });
const Secrets = z.object({ stringData: z.record(z.string(), z.string()) });

describe("the servers", () => {
  const world = useWorld({ env: { METRICS_TOKEN: "a-token-of-the-metrics" } });

  test("have the time that an orderly stop takes, after the pause for the proxies", () => {
    const { spec } = find("Deployment", "gemini-coop", Pod).spec.template;
    const pauses = spec.containers.map(({ lifecycle }) => lifecycle.preStop.sleep.seconds);
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Math.max(...pauses) + 10);
  });

  test("are found by their service", () => {
    const { labels } = find("Deployment", "gemini-coop", Pod).spec.template.metadata;
    expect(labels).toMatchObject(find("Service", "gemini-coop", Selecting).spec.selector);
  });

  test("are counted by a metric that they have", async () => {
    const Metrics = z.object({
      spec: z.object({
        metrics: z.array(
          z.object({
            pods: z.object({ metric: z.object({ name: z.string() }) }).optional(),
          }),
        ),
      }),
    });
    const { metrics } = find("HorizontalPodAutoscaler", "gemini-coop", Metrics).spec;
    const names = metrics.flatMap(({ pods }) => (pods ? [pods.metric.name] : []));
    const { body } = await world.call("GET", "/metrics", undefined, {
      authorization: "Bearer a-token-of-the-metrics",
    });
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(body).toMatch(new RegExp(`^${name} 0$`, "m"));
  });

  test("take their settings, and refuse the secrets of the example", () => {
    const { data } = find("ConfigMap", "gemini-coop", Data);
    const { stringData } = find("Secret", "gemini-coop", Secrets);
    const nats = find("Secret", "nats", Secrets).stringData;
    expect(() => readConfig({ ...data, ...stringData, ...nats })).toThrow(
      /METRICS_TOKEN.*\n.*SECRET_KEY/,
    );
    const secrets = {
      ...stringData,
      SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64"),
      METRICS_TOKEN: crypto.randomUUID(),
    };
    const config = readConfig({ ...data, ...secrets, ...nats });
    expect(config).toMatchObject({ production: true, rates: { store: "postgres" } });
  });

  test("have a name in .env.example for each of their settings", () => {
    const known = readFileSync(join(folder, "../../.env.example"), "utf8");
    const names = [
      ...Object.keys(find("ConfigMap", "gemini-coop", Data).data),
      ...Object.keys(find("Secret", "gemini-coop", Secrets).stringData),
      ...Object.keys(find("Secret", "nats", Secrets).stringData),
    ];
    for (const name of names) {
      expect(known).toMatch(new RegExp(`^${name}=`, "m"));
    }
  });
});

test("NATS has the same settings in Kubernetes as in Compose", () => {
  const compose = readFileSync(join(folder, "../nats.conf"), "utf8");
  const settings = (text: string) =>
    text
      .replaceAll(/^\s*#.*\n|^\s*\n/gm, "")
      .trim()
      .split("\n");
  const inPod = settings(find("ConfigMap", "nats", Data).data["nats.conf"] ?? "");
  const inCompose = settings(compose).map((line) => line.replace("127.0.0.1:8222", "0.0.0.0:8222"));
  expect(inPod).toEqual(inCompose);
});
