import type { Attachments, AttachmentsOptions } from "../client/attachments.ts";

/** Milliseconds after which the code is loaded: a page that stays open needs it after the server's files have changed. */
const loadMs = 3_000;

/** Uploads and the addresses of files, whose code is loaded after the page has started. */
export function laterAttachments(options: AttachmentsOptions): Attachments {
  let loading: Promise<Attachments> | undefined;
  // All calls share the tickets of one object. After a failure, the next call loads it again.
  const load = () =>
    (loading ??= import("../client/attachments.ts")
      .then(({ createAttachments }) => createAttachments(options))
      .catch((error: unknown) => {
        loading = undefined;
        throw error;
      }));
  setTimeout(() => void load().catch(() => undefined), loadMs);
  return {
    upload: async (...file) => await (await load()).upload(...file),
    cancel: async (...upload) => await (await load()).cancel(...upload),
    send: async (...message) => await (await load()).send(...message),
    remove: async (...file) => await (await load()).remove(...file),
    list: async (...query) => await (await load()).list(...query),
    addressOf: async (...file) => await (await load()).addressOf(...file),
  };
}
