// Dialogs of a room and of the list of chats. Their code is not needed to read and write, and is a file of its own.
import { lazyDialog, lazyPart } from "./lazy.ts";

/** Loads them once, and what else is seldom needed. */
export const loadDialogParts = () => import("./dialog-parts.ts");

export const BlockedPartner = lazyPart(
  () => loadDialogParts().then((parts) => parts.BlockedPartner),
  () => null,
);
export const ChatSettingsDialog = lazyDialog(() =>
  loadDialogParts().then((parts) => parts.ChatSettingsDialog),
);
export const EmojiPicker = lazyDialog(() => loadDialogParts().then((parts) => parts.EmojiPicker));
export const Gone = lazyDialog(() => loadDialogParts().then((parts) => parts.Gone));
export const Lightbox = lazyDialog(() => loadDialogParts().then((parts) => parts.Lightbox));
export const NewChat = lazyDialog(() => loadDialogParts().then((parts) => parts.NewChat));
export const NotSent = lazyPart(
  () => loadDialogParts().then((parts) => parts.NotSent),
  () => <p class="end failed">Not sent.</p>,
);
export const PeopleDialog = lazyDialog(() => loadDialogParts().then((parts) => parts.PeopleDialog));
export const PersonCard = lazyDialog(() => loadDialogParts().then((parts) => parts.PersonCard));
export const ReadersDialog = lazyDialog(() =>
  loadDialogParts().then((parts) => parts.ReadersDialog),
);
export const ReportDialog = lazyDialog(() => loadDialogParts().then((parts) => parts.ReportDialog));
export const ReportsDialog = lazyDialog(() =>
  loadDialogParts().then((parts) => parts.ReportsDialog),
);
export const SearchDialog = lazyDialog(() => loadDialogParts().then((parts) => parts.SearchDialog));
export const VersionsDialog = lazyDialog(() =>
  loadDialogParts().then((parts) => parts.VersionsDialog),
);
/** Opened seldom, and larger than the others: in another file. */
export const SettingsDialog = lazyDialog(() =>
  import("./settings-dialog.tsx").then((module) => module.SettingsDialog),
);
