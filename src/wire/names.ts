// The rules for display names and bios. A display name may be of any script. It stands in lists beside other names, so that it must
// be visible, and must not change the direction or the line of the text around it.
import { z } from "zod";
import { text } from "./text.ts";

export const displayNameMax = 50;
const bioMax = 500;

/** All sequences that Unicode recommends, with the joiners, selectors and tags in them. */
const emoji = /\p{RGI_Emoji}/gv;
/** Emoji joined in ways that Unicode does not list, and emoji without their selector. */
const joinedEmoji =
  /\p{Extended_Pictographic}\p{Emoji_Modifier}?\u{fe0f}?(?:\u{200d}\p{Extended_Pictographic}\p{Emoji_Modifier}?\u{fe0f}?)*/gu;
const selected = /[\p{Script=Han}\p{Emoji}\p{S}][\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]/gu;
const mongolian = /(\p{Script=Mongolian})[\u{180b}-\u{180d}\u{180f}]/gu;

/** Scripts in which a joiner or a non-joiner between two letters is a matter of spelling, such as Persian and Malayalam. */
const joiningLetter =
  "[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Nko}\\p{Script=Adlam}\\p{Script=Mongolian}\\p{Script=Devanagari}" +
  "\\p{Script=Bengali}\\p{Script=Gurmukhi}\\p{Script=Gujarati}\\p{Script=Oriya}\\p{Script=Tamil}\\p{Script=Telugu}" +
  "\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Sinhala}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Balinese}" +
  "\\p{Script=Javanese}&&[\\p{L}\\p{M}]]";
// A joiner may also end a word, in the older spelling of Malayalam.
const joiner = new RegExp(
  `(?<=${joiningLetter})(?:\\u{200c}(?=${joiningLetter})|\\u{200d}(?!\\u{200c}|\\u{200d}))`,
  "gv",
);

/** Controls, formats, what is not assigned, line breaks, and characters that are shown as nothing. */
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}\u{fffc}\u{1d159}]/u;
/** More marks than any language puts on one letter; they would cover the lines around. */
const markPile = /[\p{Mn}\p{Me}]{6}/u;

/** Whether each character of a name is shown, or belongs to one that is. */
export function isVisibleName(name: string): boolean {
  const rest = name
    .replaceAll(emoji, "x")
    .replaceAll(joinedEmoji, "x")
    .replaceAll(selected, "x")
    .replaceAll(mongolian, "$1")
    .replaceAll(joiner, "");
  return !unseen.test(rest) && !markPile.test(rest) && /^[^\p{M}\p{Z}]/u.test(rest);
}

/** A display name as it is stored: composed (NFC), and with single spaces only. */
export const DisplayName = z
  .string()
  .transform((name) =>
    name
      .trim()
      .normalize("NFC")
      .replaceAll(/\p{Zs}+/gu, " "),
  )
  .pipe(
    text({ min: 1, max: displayNameMax }).refine(
      isVisibleName,
      "must be visible: it must begin with a letter, a digit, a sign or an emoji, and must not have control characters, " +
        "characters that are invisible or change the direction of text, or more than five marks on one letter",
    ),
  )
  .meta({
    minLength: 1,
    maxLength: displayNameMax,
    description:
      "Of any script. Spaces at the ends are removed, others become single ones, and the text is normalised to NFC. " +
      "Characters that are invisible, control characters and controls of the direction are refused; joiners are allowed in " +
      "emoji, and between letters of scripts that are spelled with them.",
    example: "Jane Doe",
  });

/** A bio as it is stored; null if it is blank. */
export const Bio = text({ min: 0, max: bioMax })
  .transform((bio) => bio.replaceAll(/\r\n?/g, "\n") || null)
  .meta({ maxLength: bioMax, example: "Physics, mostly optics." });
