// The part of oidc-provider that tests use. Its own types are a package that brings those of Koa and Express along.
declare module "oidc-provider" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export interface ProviderContext {
    path: string;
    req: IncomingMessage;
    res: ServerResponse;
    cookies: { get(name: string, options: { signed: boolean }): string | undefined };
    status: number;
    body: unknown;
    respond: boolean;
    oidc: { client: { clientId: string }; session: { accountId: string } };
  }

  export class Grant {
    constructor(of: { clientId: string; accountId: string });
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: object);
    readonly Grant: typeof Grant;
    callback(): RequestListener;
    use(middleware: (ctx: ProviderContext, next: () => Promise<void>) => Promise<void>): void;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>;
  }
}
