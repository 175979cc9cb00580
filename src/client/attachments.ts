// `gemini-coop/client/attachments`: uploads that go on after a lost connection, messages with files, and the addresses of files.
import type { Attachment, FileTicket, Gallery, Upload } from "../wire/attachments.ts";
import type { Message } from "../wire/messages.ts";
import { makeClientId } from "./client-id.ts";
import type { Client } from "./client.ts";
import { sendBytes, type UploadFetch } from "./part-request.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";
import type { TokenStore } from "./tokens.ts";

export type { Attachment } from "../wire/attachments.ts";

/** Pauses between tries after a lost connection, in milliseconds; the last one is repeated. */
const pausesMs = [500, 1_000, 2_000, 5_000, 10_000];
/** Tries without progress, after which an upload fails: about five minutes. */
const triesMax = 30;
/** A ticket is renewed so many milliseconds before it expires. */
const ticketMarginMs = 30_000;
const ticketsMax = 200;

export interface AttachmentsOptions {
  client: Pick<Client, "call">;
  /** The server's address, as of the client. */
  url: string;
  /** The tokens of the client: the same store must be given to both. */
  tokens: Pick<TokenStore, "load">;
  /** Default: XMLHttpRequest where it exists, which tells the progress within a part, otherwise `fetch`. */
  fetch?: UploadFetch | undefined;
  /** Pauses after failures. Default: 0.5 to 10 seconds */
  pausesMs?: readonly number[] | undefined;
}

export interface UploadOptions {
  name: string;
  /** `voice`: a recording that is shown as a voice message. */
  kind?: "voice" | undefined;
  /** Receives the share of the bytes that have arrived, from 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
  /** Ends the upload here, and pauses too. The server keeps what it has for 24 hours: `cancel` deletes it, `uploadId` goes on. */
  signal?: AbortSignal | undefined;
  /** Uploads of the same file with the same id make one attachment. Default: a new id */
  clientId?: string | undefined;
  /** An upload of this person that was interrupted, such as by a reload: it goes on if the server still has it. */
  uploadId?: string | undefined;
  /** Receives the id of the upload, to go on with it later. */
  onBegin?: ((uploadId: string) => void) | undefined;
}

export type Attachments = ReturnType<typeof createAttachments>;

/** Functions for the files of messages. All throw ProblemError, with the codes that the API documents. */
export function createAttachments(options: AttachmentsOptions) {
  const { call } = options.client;
  const base = new URL(options.url).href.replace(/\/+$/, "");
  const tickets = new Map<string, { ticket: string; untilMs: number }>();
  const files = (chatId: number) => `/api/chats/${chatId}/attachments`;

  return {
    /**
     * Uploads a file in parts. After a lost connection it goes on where it was.
     * @throws ProblemError; the signal's reason if it was ended
     */
    upload: (chatId: number, file: Blob, upload: UploadOptions) =>
      new FileUpload(options, base + files(chatId), files(chatId), file, upload).run(),
    /** Cancels an upload, whose id `onBegin` has received: the server deletes what it has of it. */
    cancel: (chatId: number, uploadId: string) =>
      call<unknown>("DELETE", `${files(chatId)}/uploads/${uploadId}`),
    /**
     * Sends a message with files, whose ids `upload` has returned. The text may be empty. Repeat it with the same `clientId` after a
     * failure: the message is stored once.
     */
    send: (
      chatId: number,
      attachmentIds: readonly number[],
      more: { content?: string; replyTo?: number | undefined; clientId: string },
    ) =>
      call<Message>("POST", `/api/chats/${chatId}/messages`, {
        content: more.content ?? "",
        client_id: more.clientId,
        reply_to: more.replyTo,
        attachment_ids: attachmentIds,
      }),
    /** Deletes a file that was not sent. */
    remove: (chatId: number, attachmentId: number) =>
      call<unknown>("DELETE", `${files(chatId)}/${attachmentId}`),
    /** A page of the files of a chat, newest messages first. */
    list: (chatId: number, query: { kind?: Attachment["kind"]; cursor?: string } = {}) =>
      call<Gallery>("GET", `${files(chatId)}?${new URLSearchParams(query).toString()}`),
    /**
     * The address of a file for `<img>`, `<video>` and links, with a ticket that is valid for some minutes.
     * @param url the `url` of an attachment
     * @param thumbnail the `url` of one of its thumbnails
     */
    async addressOf({ url }: Pick<Attachment, "url">, thumbnail = url): Promise<string> {
      let held = tickets.get(url);
      if (!held || held.untilMs < Date.now()) {
        const { ticket, expires_in } = await call<FileTicket>("POST", `${url}/ticket`);
        held = { ticket, untilMs: Date.now() + expires_in * 1_000 - ticketMarginMs };
        tickets.delete(url);
        tickets.set(url, held);
        const [oldest] = tickets.keys();
        if (tickets.size > ticketsMax && oldest !== undefined) tickets.delete(oldest);
      }
      return `${base}${thumbnail}?ticket=${held.ticket}`;
    },
  };
}

/** One upload, over all its tries. */
class FileUpload {
  readonly #options: AttachmentsOptions;
  readonly #address: string;
  readonly #path: string;
  readonly #file: Blob;
  readonly #upload: UploadOptions;
  #state: Upload | undefined;
  #clientId: string | undefined;
  #failures = 0;

  constructor(
    options: AttachmentsOptions,
    address: string,
    path: string,
    file: Blob,
    upload: UploadOptions,
  ) {
    this.#options = options;
    this.#address = address;
    this.#path = path;
    this.#file = file;
    this.#upload = upload;
  }

  async run(): Promise<Attachment> {
    for (;;) {
      this.#upload.signal?.throwIfAborted();
      try {
        return await this.#try();
      } catch (error) {
        this.#upload.signal?.throwIfAborted();
        await this.#recover(asProblemError(error));
      }
    }
  }

  async #try(): Promise<Attachment> {
    const { call } = this.#options.client;
    let state = (this.#state ??= await this.#begin());
    const own = `${this.#path}/uploads/${state.upload_id}`;
    // After a failure only the server knows how far it went. The request renews the token, too.
    if (this.#failures > 0) state = await call<Upload>("GET", own);
    while (state.offset < this.#file.size) {
      const { offset } = state;
      this.#progress(offset);
      const part = this.#file.slice(offset, offset + state.part_size);
      state = await sendBytes<Upload>(
        `${this.#address}/uploads/${state.upload_id}?offset=${offset}`,
        part,
        {
          token: this.#options.tokens.load()?.access_token,
          fetch: this.#options.fetch,
          signal: this.#upload.signal,
          onProgress: (bytes) => this.#progress(offset + bytes),
        },
      );
      this.#state = state;
      this.#failures = 0;
    }
    this.#progress(this.#file.size);
    return await call<Attachment>("POST", `${own}/complete`);
  }

  async #begin(): Promise<Upload> {
    const { call } = this.#options.client;
    const { name, kind, clientId, uploadId, onBegin } = this.#upload;
    if (uploadId !== undefined) {
      const found = await call<Upload>("GET", `${this.#path}/uploads/${uploadId}`).catch(
        (error: ProblemError) => {
          if (error.code !== "not_found") throw error;
          return undefined;
        },
      );
      if (found?.size === this.#file.size) return found;
    }
    // A repeated completion finds its file by the client id.
    const client_id = (this.#clientId ??= clientId ?? makeClientId());
    const input = { name, size: this.#file.size, kind, client_id };
    const begun = await call<Upload>("POST", `${this.#path}/uploads`, input);
    onBegin?.(begun.upload_id);
    return begun;
  }

  /** Waits before the next try. @throws ProblemError that another try would not change */
  async #recover(problem: ProblemError): Promise<void> {
    const { code, status, retryAfterSeconds = 0 } = problem;
    const isTransient =
      /^(network|unavailable|rate_limited|wrong_offset|invalid_token|unexpected_response)$/.test(
        code,
      ) || status === 500;
    this.#failures += 1;
    if (!isTransient || this.#failures > triesMax) throw problem;
    const pauses = this.#options.pausesMs ?? pausesMs;
    const pauseMs = pauses[Math.min(this.#failures, pauses.length) - 1] ?? 0;
    const isAtOnce = code === "wrong_offset" || (code === "invalid_token" && this.#failures === 1);
    await pause(isAtOnce ? 0 : Math.max(pauseMs, retryAfterSeconds * 1_000), this.#upload.signal);
  }

  #progress(bytes: number): void {
    this.#upload.onProgress?.(bytes / this.#file.size);
  }
}

/** Settles after a time, or earlier when the signal ends the upload. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
