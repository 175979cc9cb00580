import { z } from "zod";
import { ChatPath } from "./chats.ts";
import { ClientId } from "./client-id.ts";
import { exampleTime, Id, numeric, text, Time } from "./text.ts";

/** Limit of the files of one message. */
export const attachmentsPerMessageMax = 10;
/** Limit in bytes of one part of an upload in parts. */
export const partBytesMax = 8 * 1024 * 1024;
/** Sizes in pixels of the squares that thumbnails fit into. */
export const thumbnailSizes = [256, 1024] as const;
export type ThumbnailSize = (typeof thumbnailSizes)[number];

export const AttachmentKind = z.enum(["image", "voice", "audio", "video", "file"]).meta({
  id: "AttachmentKind",
  description:
    "The kind is found out from the bytes. An `image`, `audio` or `video` can be shown; a `file` is only ever downloaded. " +
    "A `voice` is a recording that was uploaded as a voice message.",
});
export type AttachmentKind = z.infer<typeof AttachmentKind>;

const FileUrl = z.string().meta({
  description: "The path on this server. It needs a token, or a ticket of the attachment",
  example: "/api/chats/1/attachments/5",
});

export const Thumbnail = z
  .object({ width: z.int(), height: z.int(), url: FileUrl })
  .meta({ id: "Thumbnail" });
export type Thumbnail = z.infer<typeof Thumbnail>;

export const Attachment = z
  .object({
    id: Id,
    name: z.string().meta({
      description: "The name of the file, without folders, control characters and the like",
      example: "holiday.jpg",
    }),
    media_type: z.string().meta({ example: "image/jpeg" }),
    kind: AttachmentKind,
    size: z.int().positive().meta({ description: "Bytes that a download has" }),
    sha256: z.string().meta({
      description:
        "The SHA-256 of a download in hexadecimal digits. The download of an image differs from the upload: it has no metadata.",
      example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }),
    url: FileUrl,
    width: z.int().optional().meta({ description: "Pixels of an image as it is shown upright" }),
    height: z.int().optional(),
    thumbnails: z
      .array(Thumbnail)
      .optional()
      .meta({
        description: `Still WebP images of at most ${thumbnailSizes.join(" and ")} pixels, smallest first`,
      }),
    blur: z.string().optional().meta({
      description: "A tiny blurred preview of an image, as a data URL",
      example: "data:image/png;base64,iVBORw0KGgo=",
    }),
    duration_ms: z.int().positive().optional().meta({
      description:
        "Milliseconds of a voice message, and of an audio or video file whose header states them (MP3, Ogg, WAV, FLAC, MP4)",
      example: 3_400,
    }),
    waveform: z
      .array(z.int().min(0).max(100))
      .length(64)
      .optional()
      .meta({
        description:
          "How loud a voice message is in each of 64 parts of its time; the loudest has 100. It is absent where the server does not " +
          "decode the sound: AAC, Vorbis, and WAV that is not PCM",
      }),
    transcript: z.string().optional().meta({
      description:
        "What is said in a voice message, as Gemini has heard it. It comes some seconds after the message, with a `message_updated`",
    }),
    at: z.int().nonnegative().optional().meta({
      description:
        "The place in the text of an answer at which its picture stands, as a UTF-16 index",
    }),
    status: z.enum(["processing", "ready", "refused"]).meta({
      description: "`ready`: the file can be read. An upload is answered once it is ready.",
    }),
  })
  .meta({ id: "Attachment" });
export type Attachment = z.infer<typeof Attachment>;

/** The words for a message without text: the name of its first file. */
export const nameOfFirst = ([file]: readonly Attachment[]) =>
  file?.kind === "voice" ? "Voice message" : (file?.name ?? "");

export const exampleAttachment: Attachment = {
  id: 5,
  name: "holiday.jpg",
  media_type: "image/jpeg",
  kind: "image",
  size: 2_345_678,
  sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  url: "/api/chats/1/attachments/5",
  width: 4_000,
  height: 3_000,
  thumbnails: [
    { width: 256, height: 192, url: "/api/chats/1/attachments/5/thumbnails/256" },
    { width: 1_024, height: 768, url: "/api/chats/1/attachments/5/thumbnails/1024" },
  ],
  blur: "data:image/png;base64,iVBORw0KGgo=",
  status: "ready",
};

/** A name as it is sent; the stored one is made harmless. */
const FileName = text({ min: 1, max: 1_024, trim: false }).meta({
  description: "The name of the file. Folders, control characters and the like are removed from it",
  example: "holiday.jpg",
});

// An enum: the document's generator leaves null out of a literal that may be null.
const WantedKind = z.enum(["voice"]).meta({
  description:
    "`voice`: the file is a recording that is shown as a voice message: sound alone as WebM or Ogg (Opus), MP4 (AAC), MP3 or WAV, of at " +
    "most 15 minutes and 32 MB. What is none is refused",
});

export const UploadQuery = z.object({
  name: FileName.optional(),
  kind: WantedKind.optional(),
  client_id: ClientId.optional(),
});

export const AttachmentIds = z
  .array(Id)
  .max(attachmentsPerMessageMax)
  .nullish()
  .meta({
    description:
      "The ids of files that the sender has uploaded to this chat and not sent yet, in the order in which they are shown. Any " +
      "other id is refused with `invalid`",
  });

export const AttachmentPath = ChatPath.extend({
  attachment_id: numeric({ min: 1 }).meta({ example: 5 }),
});

export const ThumbnailPath = AttachmentPath.extend({
  width: z
    .enum(thumbnailSizes.map(String))
    .transform(Number)
    .meta({ type: "integer", enum: thumbnailSizes, example: 256 }),
});

export const TicketQuery = z.object({
  ticket: z.string().min(1).max(1_024).optional().meta({
    description: "In place of an Authorization header, for `<img>` and `<video>`",
  }),
});

export const FileTicket = z
  .object({ ticket: z.string(), expires_in: z.int().meta({ description: "Seconds" }) })
  .meta({ id: "FileTicket" });
export type FileTicket = z.infer<typeof FileTicket>;

export const BeginUploadInput = z
  .object({
    name: FileName,
    size: z.int().positive().meta({ description: "Bytes of the whole file", example: 20_000_000 }),
    kind: WantedKind.nullish(),
    client_id: ClientId.nullish(),
  })
  .meta({ id: "BeginUploadInput", example: { name: "holiday.mp4", size: 20_000_000 } });
export type BeginUploadInput = z.infer<typeof BeginUploadInput>;

export const Upload = z
  .object({
    upload_id: z.uuid(),
    part_size: z.int().meta({ description: "The most bytes of one part", example: partBytesMax }),
    offset: z.int().nonnegative().meta({ description: "Bytes that have been stored" }),
    size: z.int().positive(),
    expires_at: Time.meta({ example: exampleTime }),
  })
  .meta({ id: "Upload" });
export type Upload = z.infer<typeof Upload>;

export const UploadPath = ChatPath.extend({ upload_id: z.uuid() });
export const PartQuery = z.object({
  offset: numeric({ min: 0 }).meta({
    description: "The bytes of the file before this part: those that have been stored",
  }),
});

const galleryPageMax = 100;
const galleryPageDefault = 50;

/** A place in a chat's gallery: a message and a place in it. */
export const GalleryCursor = z
  .string()
  .regex(/^\d{1,15}\.\d{1,2}$/, "must be the next_cursor of a page")
  .transform((cursor) => cursor.split(".").map(Number))
  .pipe(z.tuple([z.int(), z.int()]))
  .meta({ type: "string", description: "The `next_cursor` of the page before", example: "123.1" });

export const GalleryQuery = z.object({
  kind: AttachmentKind.optional(),
  limit: numeric({ min: 1, max: galleryPageMax })
    .default(galleryPageDefault)
    .meta({ description: `1 to ${galleryPageMax}`, default: galleryPageDefault }),
  cursor: GalleryCursor.optional(),
});
export type GalleryQuery = z.infer<typeof GalleryQuery>;

export const GalleryItem = z
  .object({
    message_id: Id,
    seq: z.int().meta({ description: "The number of the message" }),
    user_id: Id.nullable(),
    created_at: Time,
    attachment: Attachment,
  })
  .meta({ id: "GalleryItem" });
export type GalleryItem = z.infer<typeof GalleryItem>;

export const Gallery = z
  .object({
    items: z.array(GalleryItem).meta({ description: "Newest messages first" }),
    next_cursor: z.string().nullable().meta({ description: "null on the last page" }),
  })
  .meta({ id: "Gallery" });
export type Gallery = z.infer<typeof Gallery>;
