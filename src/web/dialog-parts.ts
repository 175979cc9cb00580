// The dialogs, and the other parts that are seldom shown. They are loaded together, when the first of them is.
export { createAccount } from "../client/account.ts";
export { BlockedPartner } from "./blocked-partner.tsx";
export { ChatSettingsDialog } from "./chat-settings.tsx";
export { EmojiPicker } from "./emoji-picker.tsx";
export { Gone } from "./gone.tsx";
export { Lightbox } from "./lightbox.tsx";
export { NewChat } from "./new-chat.tsx";
export { NotSent } from "./not-sent.tsx";
export { PeopleDialog } from "./people-dialog.tsx";
export { PersonCard } from "./person-card.tsx";
export { ReadersDialog } from "./readers-dialog.tsx";
export { ReportDialog } from "./report-dialog.tsx";
export { ReportsDialog } from "./reports-dialog.tsx";
export { SearchDialog } from "./search-dialog.tsx";
export { VersionsDialog } from "./versions-dialog.tsx";
