// `gemini-coop/client/account`: leaving with everything, which is the export of chats and of a person's data, and the deletion of the
// account.
import type { ExportFormat } from "../wire/export.ts";
import type { Client } from "./client.ts";
import { asProblemError, problemOfResponse } from "./problem-error.ts";
import type { TokenStore } from "./tokens.ts";

export type { ExportFormat } from "../wire/export.ts";

/** A file that the server has sent. */
export interface ExportedFile {
  readonly content: Blob;
  /** False if the export was cut off, because the person may not read the chat any more or the session has ended. */
  readonly isComplete: boolean;
}

export interface AccountOptions {
  client: Pick<Client, "call" | "session">;
  /** The address of the server, as for the client. */
  url: string;
  /** The store that the client has. */
  tokens: TokenStore;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

export type Account = ReturnType<typeof createAccount>;

/** The bytes that are searched for the end of a file, which is shorter. */
const endBytesMax = 300;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createAccount({ client, url, tokens, fetch = globalThis.fetch }: AccountOptions) {
  async function download(path: string): Promise<ExportedFile> {
    // It renews the access token, if that is necessary.
    await client.call("GET", "/api/auth/me");
    const token = tokens.load()?.access_token ?? "";
    try {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await fetch(new URL(path, url).href, { headers });
      if (!response.ok) throw problemOfResponse(response, await response.text());
      const content = await response.blob();
      const end = await content.slice(-endBytesMax).text();
      // The end is in the last line, where no text of a message is.
      const isComplete = /"type":"end","complete":true|End of the export\./.test(
        end.trimEnd().split("\n").at(-1) ?? "",
      );
      return { content, isComplete };
    } catch (error) {
      throw asProblemError(error);
    }
  }

  return {
    /** The file is held in memory, or by a browser on its disk. */
    exportChat: (chatId: number, format: ExportFormat) =>
      download(`/api/chats/${chatId}/export?format=${format}`),
    /** All that is stored about the person, as JSON Lines. */
    exportMe: () => download("/api/auth/me/export"),
    /** Deletes the person's account for good, and signs out. @param messages whether what the person wrote stays or is deleted */
    async deleteMe(password: string, messages: "keep" | "erase"): Promise<void> {
      await client.call("DELETE", "/api/auth/me", { password, messages });
      await client.session.logout();
    },
  };
}
