// Forms by their Content-Type.
import { Problem } from "../wire/problems.ts";

export const isFormType = (contentType: string) => /^multipart\/form-data\b/i.test(contentType);

/**
 * The body of a form without files is no file that anybody meant to send.
 * @throws Problem `unsupported_media_type`
 */
export function refuseForms(contentType: string): void {
  refuse(contentType, /^(application\/x-www-form-urlencoded|multipart\/)/i);
}

/**
 * A form around the part of a file would become a piece of it. `application/x-www-form-urlencoded` is accepted: programs such as curl send
 * it with any bytes.
 * @throws Problem `unsupported_media_type`
 */
export function refuseMultipart(contentType: string): void {
  refuse(contentType, /^multipart\//i);
}

function refuse(contentType: string, refused: RegExp): void {
  if (!refused.test(contentType)) return;
  throw new Problem(
    "unsupported_media_type",
    "Send the bytes as the body, with a Content-Type such as application/octet-stream. Only a whole file may be in a multipart/form-data form.",
  );
}
