// Stands where an OpenTelemetry collector would: takes spans as OTLP over HTTP, and keeps them.
import { z } from "zod";

const Attributes = z
  .array(
    z.object({
      key: z.string(),
      value: z
        .object({ stringValue: z.string(), intValue: z.int(), boolValue: z.boolean() })
        .partial(),
    }),
  )
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]),
    ),
  );

const Span = z.object({
  traceId: z.string().length(32),
  spanId: z.string().length(16),
  parentSpanId: z.string().length(16).optional(),
  name: z.string(),
  kind: z.int(),
  attributes: Attributes,
  events: z.array(z.object({ name: z.string() })).default([]),
  status: z.object({ code: z.int().optional() }),
});
export type Span = z.infer<typeof Span>;

/** https://github.com/open-telemetry/opentelemetry-proto: ExportTraceServiceRequest, as far as a test looks */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

/** @param respond to every batch, once it was read */
export function startCollector(
  respond: () => Promise<Response> | Response = () => Response.json({}),
) {
  const spans: Span[] = [];
  const requests: { path: string; headers: Headers; service: unknown }[] = [];
  let text = "";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      text += body;
      for (const { resource, scopeSpans } of Export.parse(JSON.parse(body)).resourceSpans) {
        const service = resource.attributes["service.name"];
        requests.push({ path: new URL(request.url).pathname, headers: request.headers, service });
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      return await respond();
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    spans,
    requests,
    /** All that it was sent, as it was sent. */
    get text() {
      return text;
    },
    stop: () => server.stop(true),
  };
}
