import type { ExportFormat } from "../wire/export.ts";

const lengthMax = 80;
// Controls, marks that change the direction of text, and characters that file systems refuse.
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"*/:<>?\\|]/gu;

/**
 * The value of a Content-Disposition header that offers a file under any name (RFC 6266). Clients that do not read `filename*`
 * (RFC 8187) get a name of ASCII characters.
 * @param fallback the name, in ASCII, if nothing else is left of `name`
 */
export function contentDisposition(name: string, fallback: string, format: ExportFormat): string {
  const clean = [...name.toWellFormed().replaceAll(unsafe, " ")].slice(0, lengthMax).join("");
  const base = clean.replaceAll(/\s+/gu, " ").replace(/^[. ]+|[. ]+$/g, "") || fallback;
  const ascii = base.replaceAll(/[^\w .-]+/g, "_");
  const plain = /^[_ ]*$/.test(ascii) ? fallback : ascii;
  const encoded = encodeURIComponent(base).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}.${format}"; filename*=UTF-8''${encoded}.${format}`;
}
