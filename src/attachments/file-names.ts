// Names of files: they come from strangers, and go into headers, folders and pages of others.

const bytesMax = 200;
/** Extensions that are longer are cut with the rest of a name. */
const extensionMax = 16;
/**
 * Controls, line separators, and characters that change the direction of text or cannot be seen, such as the letters that fill a
 * place in Hangul: a row of them would push the extension out of sight.
 */
const unseen =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e01ef}]/gu;
/** Windows drops spaces and dots at the end. */
const trailing = /[ .]+$/;
/** Names of devices on Windows, whatever extension follows. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?=\.|$)/i;

/**
 * A name that is harmless in any folder and header: without folders, control characters, characters that turn the direction of
 * text, and those that Windows does not allow; of at most 200 bytes in UTF-8, with its extension.
 * @param given the name as it was sent; a name of which nothing is left becomes `file`
 */
export function harmlessName(given: string): string {
  const visible = given.toWellFormed().normalize("NFC").replace(unseen, "");
  const base = visible.split(/[/\\]/).at(-1) ?? "";
  const allowed = base
    .replace(/[<>:"|?*]/g, "_")
    .replace(/\s+/g, " ")
    .replace(/^ +/, "")
    .replace(trailing, "");
  const name = deviceName.test(allowed) ? `_${allowed}` : allowed;
  return shortened(name).replace(trailing, "") || "file";
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= bytesMax) return name;
  const dot = name.lastIndexOf(".");
  const hasExtension = dot > 0 && name.length - dot <= extensionMax;
  const extension = hasExtension ? name.slice(dot) : "";
  let left = bytesMax - Buffer.byteLength(extension);
  let stem = "";
  for (const character of hasExtension ? name.slice(0, dot) : name) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + extension;
}

/**
 * The Content-Disposition of a file (RFC 6266), for clients that read RFC 8187 and for those that only read ASCII.
 * @param name made by {@link harmlessName}
 */
export function contentDisposition(type: "inline" | "attachment", name: string): string {
  // A percent sign would be decoded by some clients.
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const extended = ascii === name ? "" : `; filename*=UTF-8''${encoded}`;
  return `${type}; filename="${ascii}"${extended}`;
}
