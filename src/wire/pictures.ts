// The pictures of people and of chats.
import { z } from "zod";
import { ChatPath } from "./chats.ts";
import { UserPath } from "./users.ts";

/** Pixels of the width and height of a picture. */
export const pictureSizes = [64, 256] as const;
export type PictureSize = (typeof pictureSizes)[number];
/** Limit in bytes of an image that becomes a picture. */
export const pictureBytesMax = 16 * 1024 * 1024;

const picture = { picture_id: z.uuid() };
export const AvatarPath = UserPath.extend(picture);
export const ChatPicturePath = ChatPath.extend(picture);

export const PictureQuery = z.object({
  size: z
    .enum(pictureSizes.map(String))
    .transform((size): PictureSize => (size === "64" ? 64 : 256))
    .optional()
    .meta({
      type: "integer",
      enum: pictureSizes,
      description: "Pixels of its width and height; 256 unless said otherwise",
    }),
});
