// `gemini-coop/client/moderation`: roles, and reports of messages.
import type { Participant } from "../wire/chats.ts";
import type { Report, ReportPage } from "../wire/moderation.ts";
import type { Client } from "./client.ts";

export type { Report, ReportPage } from "../wire/moderation.ts";

export type Moderation = ReturnType<typeof createModeration>;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createModeration({ call }: Pick<Client, "call">) {
  const chat = (chatId: number) => `/api/chats/${chatId}`;

  return {
    /** Makes a participant a moderator, or a member again; only the owner may. */
    changeRole: (chatId: number, userId: number, role: "member" | "moderator") =>
      call<Participant>("PATCH", `${chat(chatId)}/participants/${userId}`, { role }),
    /** Reports a message to the chat's owner and moderators. */
    reportMessage: (chatId: number, messageId: number, reason: string) =>
      call<Report>("POST", `${chat(chatId)}/messages/${messageId}/report`, { reason }),
    /** A page of the reports, the newest first. @param page `cursor` is the `next_cursor` of the page before */
    listReports: (
      chatId: number,
      page: { status?: "open" | "resolved"; limit?: number; cursor?: string } = {},
    ) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(page)) query.set(name, String(value));
      return call<ReportPage>("GET", `${chat(chatId)}/reports?${query}`);
    },
    resolveReport: (chatId: number, reportId: number) =>
      call<Report>("POST", `${chat(chatId)}/reports/${reportId}/resolve`),
  };
}
