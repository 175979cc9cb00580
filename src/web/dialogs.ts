// Dialogs of a room and of the list of chats. Their code is not needed to read and write, and is a file of its own.
import { lazyDialog } from "./lazy.ts";

const load = () => import("./dialog-parts.ts");

export const ChatSettingsDialog = lazyDialog(() =>
  load().then((parts) => parts.ChatSettingsDialog),
);
export const Lightbox = lazyDialog(() => load().then((parts) => parts.Lightbox));
export const NewChat = lazyDialog(() => load().then((parts) => parts.NewChat));
export const PeopleDialog = lazyDialog(() => load().then((parts) => parts.PeopleDialog));
export const PersonCard = lazyDialog(() => load().then((parts) => parts.PersonCard));
export const ReadersDialog = lazyDialog(() => load().then((parts) => parts.ReadersDialog));
export const ReportDialog = lazyDialog(() => load().then((parts) => parts.ReportDialog));
export const ReportsDialog = lazyDialog(() => load().then((parts) => parts.ReportsDialog));
export const SearchDialog = lazyDialog(() => load().then((parts) => parts.SearchDialog));
export const VersionsDialog = lazyDialog(() => load().then((parts) => parts.VersionsDialog));
/** Opened seldom, and larger than the others: in another file. */
export const SettingsDialog = lazyDialog(() =>
  import("./settings-dialog.tsx").then((module) => module.SettingsDialog),
);
