import { z } from "zod";

/** UTF-16 units of the longest emoji (15, of two people with skin tones who kiss), and some for variation selectors. */
const unitsMax = 32;
const variationSelectors = /\uFE0F/g;
/**
 * Characters that are shown as text unless U+FE0F follows. With a skin tone they are emoji without it.
 * https://www.unicode.org/reports/tr51/#def_fully_qualified_emoji
 */
const textByDefault = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gv;
const oneEmoji = /^\p{RGI_Emoji}$/v;

/** The fully qualified form, in which ❤ and ❤️ are one emoji. Text that is no emoji comes out as some text that is none. */
function qualified(text: string): string {
  return text.replaceAll(variationSelectors, "").replaceAll(textByDefault, "$&\uFE0F");
}

export const Emoji = z
  .string()
  .max(unitsMax)
  .transform(qualified)
  .refine((text) => oneEmoji.test(text), "must be one emoji")
  .meta({
    description:
      "One emoji that Unicode recommends for general interchange (RGI), which includes flags, keycaps, skin tones and families. Variation selectors " +
      "(U+FE0F) may be left out; the server stores and shows the fully qualified form.",
    example: "👍",
  });
