// `gemini-coop/client/pictures`: the pictures of people and of chats.
import type { Chat } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import type { Client } from "./client.ts";
import { asProblemError, problemOfResponse } from "./problem-error.ts";
import type { TokenStore } from "./tokens.ts";

export interface PicturesOptions {
  client: Pick<Client, "call">;
  /** The address of the server, as for the client. */
  url: string;
  /** The store that the client has. */
  tokens: Pick<TokenStore, "load">;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

export type Pictures = ReturnType<typeof createPictures>;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createPictures({
  client: { call },
  url,
  tokens,
  fetch = globalThis.fetch,
}: PicturesOptions) {
  async function request(method: string, path: string, body?: Blob): Promise<Response> {
    const token = tokens.load()?.access_token;
    const headers = {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/octet-stream" }),
    };
    try {
      const init = { method, headers, ...(body && { body }) };
      const response = await fetch(new URL(path, url).href, init);
      if (!response.ok) throw problemOfResponse(response, await response.text());
      return response;
    } catch (error) {
      throw asProblemError(error);
    }
  }

  /** A token that has expired is renewed by a request of the client. */
  async function renewing(method: string, path: string, body?: Blob): Promise<Response> {
    return await request(method, path, body).catch(async (error: unknown) => {
      if (asProblemError(error).status !== 401) throw error;
      await call("GET", "/api/auth/me");
      return await request(method, path, body);
    });
  }

  return {
    /** Makes the person's picture of the middle of an image. */
    setAvatar: async (image: Blob): Promise<User> =>
      JSON.parse(await (await renewing("PUT", "/api/auth/me/avatar", image)).text()),
    removeAvatar: () => call<User>("DELETE", "/api/auth/me/avatar"),
    /** Makes the picture of a chat, which its owner may, of the middle of an image. */
    setChatPicture: async (chatId: number, image: Blob): Promise<Chat> =>
      JSON.parse(await (await renewing("PUT", `/api/chats/${chatId}/picture`, image)).text()),
    removeChatPicture: (chatId: number) => call<Chat>("DELETE", `/api/chats/${chatId}/picture`),
    /**
     * Reads a picture. An `<img>` cannot send a token: give it the object URL of the blob.
     * @param path `avatar_url` of a person or `picture_url` of a chat
     */
    load: async (path: string, size: 64 | 256 = 256): Promise<Blob> =>
      await (await renewing("GET", `${path}?size=${size}`)).blob(),
  };
}
