import { createModeration, type Moderation } from "../client/moderation.ts";
import { usePageParts } from "./page-parts.ts";

/** Roles and reports, of which only dialogs have need. */
export function useModeration(): Moderation {
  return createModeration(usePageParts().client);
}
