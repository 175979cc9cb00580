// A receiver of webhooks, which verifies what it is sent with the library of Standard Webhooks.
import { Webhook } from "standardwebhooks";
import { z } from "zod";

const Body = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});

export interface ReceivedEvent extends z.infer<typeof Body> {
  /** The header `webhook-id`. */
  id: string;
  path: string;
  headers: Headers;
  /** Whether the signature is one of the secret that the receiver knows for the path. */
  isVerified: boolean;
  text: string;
}

export class WebhookReceiver {
  readonly events: ReceivedEvent[] = [];
  /** The secrets, by path. */
  readonly secrets = new Map<string, string>();
  /** Makes the response to each event: 204 unless a test says otherwise. */
  answer: (event: ReceivedEvent) => Response | Promise<Response> = () =>
    new Response(null, { status: 204 });
  readonly #server: Bun.Server<undefined>;
  #paths = 0;
  #arrived: () => void = () => {};

  constructor() {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => this.#receive(request),
    });
  }

  /** An address of its own. */
  path(): { path: string; url: string } {
    this.#paths += 1;
    const path = `/hook/${this.#paths}`;
    return { path, url: `http://127.0.0.1:${this.#server.port}${path}` };
  }

  /** The events that came to a path. */
  at(path: string): ReceivedEvent[] {
    return this.events.filter((event) => event.path === path);
  }

  /** Settles when so many events have come to a path. */
  async untilAt(path: string, count: number): Promise<ReceivedEvent[]> {
    while (this.at(path).length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await promise;
    }
    return this.at(path);
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #receive(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url);
    const text = await request.text();
    const body = Body.parse(JSON.parse(text));
    const { headers } = request;
    const id = headers.get("webhook-id") ?? "";
    const isVerified = this.verifies(path, text, headers);
    const event = { ...body, id, path, headers, isVerified, text };
    this.events.push(event);
    this.#arrived();
    return await this.answer(event);
  }

  /** Whether a body and its headers are signed with the secret of a path. */
  verifies(path: string, text: string, headers: Headers): boolean {
    try {
      new Webhook(this.secrets.get(path) ?? "whsec_").verify(text, Object.fromEntries(headers));
      return true;
    } catch {
      return false;
    }
  }
}
