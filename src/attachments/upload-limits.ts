// Limits of uploads that are no settings.

/** Seconds after which an upload that no message has taken is deleted. */
export const unsentSeconds = 24 * 60 * 60;
/** Seconds for which a file may be written before its row is stored. An upload that takes longer fails. */
export const pendingSeconds = 24 * 60 * 60;
/** Uploads in parts that a person may have begun and not completed. */
export const unfinishedMax = 50;
/** Files that a person may have uploaded and not sent. */
export const unsentMax = 500;
