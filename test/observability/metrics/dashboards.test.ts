// The dashboard and the alerts ask for nothing that /metrics doesn't have.
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { useWorld } from "../../world/world.ts";
import { metricsToken, scrapeText } from "./scrape.ts";

const file = (name: string) =>
  readFileSync(join(import.meta.dir, "../../../src/observability/metrics", name), "utf8");

const Target = z.object({ expr: z.string().min(1), legendFormat: z.string() });
const Dashboard = z.object({
  title: z.literal("Gemini Coop"),
  schemaVersion: z.int(),
  panels: z.array(
    z.object({
      id: z.int(),
      type: z.enum(["row", "timeseries"]),
      title: z.string().min(1),
      gridPos: z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
      targets: z.array(Target).optional(),
    }),
  ),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
});
const Alerts = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^GeminiCoop\w+$/),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.object({ severity: z.enum(["page", "ticket"]) }),
          annotations: z.object({ summary: z.string() }),
        }),
      ),
    }),
  ),
});

const dashboard = Dashboard.parse(JSON.parse(file("grafana-dashboard.json")));
const rules = Alerts.parse(Bun.YAML.parse(file("alerts.yml"))).groups.flatMap(
  (group) => group.rules,
);
const panelExprs = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }): [string, string] => [title, expr]),
);
const exprs: [where: string, expr: string][] = [
  ...panelExprs,
  ...dashboard.annotations.list.map(({ expr }): [string, string] => ["annotation", expr]),
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
];

/** Labels that Prometheus adds. */
const addedLabels = ["instance", "job", "le"];

/** The names of samples, and the labels of each. */
const served = new Map<string, string[]>();
const world = useWorld({
  env: {
    METRICS_TOKEN: metricsToken,
    SMTP_URL: "smtp://127.0.0.1:9",
    MAIL_FROM: "coop@example.com",
  },
});
beforeAll(async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const socket = await ann.joined(chat.id);
  // Series with labels of their own exist once their event has happened.
  await ann.say(chat.id, "/bot hello");
  await socket.next("bot_stream", { is_complete: true });
  for (const line of (await scrapeText(world)).split("\n")) {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name)
      served.set(
        name,
        [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label),
      );
  }
});

test("both ask for a good part of what is there", () => {
  expect(panelExprs.length).toBeGreaterThan(30);
  expect(rules.length).toBeGreaterThan(10);
});

test.each(exprs)("%s has metrics and labels that are served: %s", (_, expr) => {
  const names = expr.match(/\b(gemini_coop|process)_\w+|\bup\b/g) ?? [];
  expect(names.length).toBeGreaterThan(0);
  const known = new Set(addedLabels);
  for (const name of names.filter((each) => each !== "up")) {
    expect([...served.keys()]).toContain(name);
    for (const label of served.get(name) ?? []) known.add(label);
  }
  const matched = [...expr.matchAll(/[{,] *(\w+) *[=!]~?"/g)].map(([, label]) => label);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(/, */),
  );
  for (const label of [...matched, ...grouped]) expect([...known]).toContain(label ?? "");
  // A counter is shown by its growth.
  for (const name of names.filter((each) => /_(total|bucket|sum|count)$/.test(each))) {
    expect(expr).toMatch(new RegExp(`(rate|increase)\\(${name}\\b`));
  }
});

test("every alert is explained, in their order", () => {
  const rows = [...file("README.md").matchAll(/^\| `(GeminiCoop\w+)` +\|[^|]+\|[^|]+\|$/gm)];
  expect(rows.map(([, alert]) => alert)).toEqual(rules.map(({ alert }) => alert));
});

test("panels have ids of their own, and none covers another", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: h * w }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

test("a legend has labels that its expression leaves", () => {
  for (const { targets = [] } of dashboard.panels) {
    for (const { expr, legendFormat } of targets) {
      for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        if (!/\bby \(|^sum\(/.test(expr)) continue;
        expect(expr).toMatch(new RegExp(`\\bby \\([^)]*\\b${label}\\b`));
      }
    }
  }
});
