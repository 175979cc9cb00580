// A server with the part of GitHub that signs people in: OAuth without discovery and ID tokens, whose errors have status 200.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
import { accountCookie } from "./openid-provider.ts";

export interface GitHubAccount {
  id: number;
  login: string;
  name?: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
}

export const gitHubClient = { id: "Iv1.chat", secret: "a secret of the chat server at GitHub" };

export function startGitHub() {
  const accounts = new Map<string, GitHubAccount>();
  const codes = new Map<string, { login: string; challenge: string; redirectUri: string }>();
  const tokens = new Map<string, string>();
  /** The `iss` that it sends; undefined: none. */
  const says: { iss: string | undefined } = { iss: undefined };

  function authorize({ url, headers }: Request): Response {
    const query = new URL(url).searchParams;
    const [, login = ""] =
      new RegExp(`${accountCookie}=([\\w-]+)`).exec(headers.get("cookie") ?? "") ?? [];
    const redirectUri = query.get("redirect_uri") ?? "";
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    if (says.iss !== undefined) back.searchParams.set("iss", says.iss);
    if (query.get("client_id") !== gitHubClient.id || !accounts.has(login)) {
      back.searchParams.set("error", "access_denied");
    } else {
      const code = crypto.randomUUID();
      codes.set(code, { login, challenge: query.get("code_challenge") ?? "", redirectUri });
      back.searchParams.set("code", code);
    }
    return Response.redirect(back.href, 302);
  }

  async function exchange(request: Request): Promise<Response> {
    const body = new URLSearchParams(await request.text());
    const code = body.get("code") ?? "";
    const found = codes.get(code);
    codes.delete(code);
    const verifier = body.get("code_verifier") ?? "";
    const challenge = new Bun.CryptoHasher("sha256").update(verifier).digest("base64url");
    const isGood =
      found?.challenge === challenge &&
      found.redirectUri === body.get("redirect_uri") &&
      body.get("client_id") === gitHubClient.id &&
      body.get("client_secret") === gitHubClient.secret &&
      request.headers.get("accept") === "application/json";
    if (!found || !isGood) return Response.json({ error: "bad_verification_code" });
    const token = `gho_${crypto.randomUUID()}`;
    tokens.set(token, found.login);
    const scope = "read:user,user:email";
    return Response.json({ access_token: token, token_type: "bearer", scope });
  }

  function api({ url, headers }: Request): Response {
    const account = accounts.get(
      tokens.get(headers.get("authorization")?.replace(/^Bearer /i, "") ?? "") ?? "",
    );
    // GitHub refuses requests without one.
    if (!account || !headers.get("user-agent")) {
      return Response.json({ message: "Bad credentials" }, { status: 401 });
    }
    const { emails, ...user } = account;
    return Response.json(url.endsWith("/emails") ? emails : user);
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/login/oauth/authorize": authorize,
      "/login/oauth/access_token": { POST: exchange },
      "/api/v3/user": api,
      "/api/v3/user/emails": api,
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    accounts,
    says,
    stop: () => server.stop(true),
  };
}
