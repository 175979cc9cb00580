// Requests to providers, by openid-client, and the meaning of their failures.
import {
  allowInsecureRequests,
  AuthorizationResponseError,
  customFetch,
  type Configuration,
  type CustomFetch,
} from "openid-client";
import { ProviderError, type ProviderErrorCode } from "./provider.ts";

/** Documents, keys and tokens of the largest providers have some kilobytes. */
const answerBytesMax = 256 * 1024;

/** A provider that can't be reached, is too slow, or says that it is in trouble. */
class ProviderAway extends Error {}

/** Neither redirects nor large bodies are followed: a hostile provider must not use this server as its client. */
export const providerFetch: CustomFetch = async (url, { signal, ...options }) => {
  try {
    const response = await fetch(url, {
      ...options,
      redirect: "manual",
      ...(signal && { signal }),
    });
    if (response.status >= 500 || response.status === 429) {
      await response.body?.cancel();
      throw new ProviderAway(`${new URL(url).host} has answered ${response.status}`);
    }
    const { status, statusText, headers } = response;
    const body = await limitedBody(response);
    return new Response(body, { status, statusText, headers: new Headers(headers) });
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderAway(`${new URL(url).host} can't be reached`, { cause: error });
  }
};

/** @returns null where a Response may have no body */
async function limitedBody(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!response.body || [204, 205, 304].includes(response.status)) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) {
      throw new ProviderError("provider_invalid", new Error(`more than ${answerBytesMax} bytes`));
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** @param issuer plain HTTP is spoken only with providers whose address says so */
export function prepare(configuration: Configuration, issuer: string, timeoutMs: number): void {
  configuration[customFetch] = providerFetch;
  configuration.timeout = timeoutMs / 1_000;
  if (issuer.startsWith("http:")) allowInsecureRequests(configuration);
}

/** @returns what `ask` returns. @throws ProviderError for all that it throws */
export async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError(codeOf(error), error);
  }
}

const causesMax = 5;

function codeOf(error: unknown): ProviderErrorCode {
  if (error instanceof AuthorizationResponseError) {
    if (error.error === "access_denied") return "access_denied";
    const isAway = ["server_error", "temporarily_unavailable"].includes(error.error);
    return isAway ? "provider_unavailable" : "provider_invalid";
  }
  let cause = error;
  for (let depth = 0; depth < causesMax && cause instanceof Error; depth += 1) {
    if (cause instanceof ProviderError) return cause.code;
    if (cause instanceof ProviderAway) return "provider_unavailable";
    cause = cause.cause;
  }
  return "provider_invalid";
}
