// Forms by their Content-Type.
import { Problem } from "../wire/problems.ts";

export const isFormType = (contentType: string) => /^multipart\/form-data\b/i.test(contentType);

/**
 * The body of a form without files is no file that anybody meant to send, and one around the part of a file would become a piece of it.
 * @throws Problem `unsupported_media_type`
 */
export function refuseForms(contentType: string): void {
  if (!/^(application\/x-www-form-urlencoded|multipart\/)/i.test(contentType)) return;
  throw new Problem(
    "unsupported_media_type",
    "Send the bytes as the body, with a Content-Type such as application/octet-stream. Only a whole file may be in a multipart/form-data form.",
  );
}
