import type { Ctx } from "./context.ts";
import { accessKeyRoutes } from "./access-keys/routes.ts";
import { accountDeletionRoutes } from "./account-deletion/routes.ts";
import { accountMailRoutes } from "./account-mail/routes.ts";
import { peopleRoutes } from "./accounts/people-routes.ts";
import { authRoutes } from "./accounts/routes.ts";
import type { Passwords } from "./accounts/passwords.ts";
import { bearerUserId } from "./accounts/signed-in.ts";
import { answerRoutes } from "./answers/routes.ts";
import { downloadRoutes } from "./attachments/download-routes.ts";
import { pictureFileRoutes } from "./attachments/pictures/file-routes.ts";
import { pictureRoutes } from "./attachments/pictures/routes.ts";
import { fileRoutes } from "./attachments/file-routes.ts";
import { attachmentRoutes } from "./attachments/routes.ts";
import type { Uploads } from "./attachments/uploads.ts";
import { botRoutes } from "./bots/routes.ts";
import { chatRoutes } from "./chats/routes.ts";
import { documentRoutes } from "./docs/documents.ts";
import { docsRoutes } from "./docs/pages.ts";
import type { ExportSlots } from "./export/export-slots.ts";
import { exportRoutes } from "./export/routes.ts";
import { appFileRoutes } from "./http/app-files.ts";
import { seeClient } from "./http/address.ts";
import {
  crossOrigin,
  handleError,
  limitBody,
  requireHost,
  requireJson,
} from "./http/middleware.ts";
import { createNotFound } from "./http/not-found.ts";
import { headLength } from "./http/head-length.ts";
import { healthRoutes } from "./http/health.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { pageRoutes } from "./http/page.ts";
import { limitRequests } from "./http/rate-limits.ts";
import { requestLog } from "./http/request-log.ts";
import { requestIdMax, requestIdOf } from "./http/request-id.ts";
import { createRouter } from "./http/router.ts";
import { secureHeaders } from "./http/secure-headers.ts";
import { hookPostRoutes } from "./incoming-webhooks/post-routes.ts";
import { incomingWebhookRoutes } from "./incoming-webhooks/routes.ts";
import { Providers } from "./identities/providers.ts";
import { identityRoutes } from "./identities/routes.ts";
import type { MailQueue } from "./mail/mail.ts";
import { messageRoutes } from "./messages/routes.ts";
import { moderationRoutes } from "./moderation/routes.ts";
import { pushRoutes } from "./push/routes.ts";
import type { StoreReaction } from "./reactions/commit.ts";
import { searchRoutes } from "./search/routes.ts";
import { reactionRoutes } from "./reactions/routes.ts";
import type { ReadNotices } from "./receipts/notices.ts";
import { receiptRoutes } from "./receipts/routes.ts";
import { socketRoutes } from "./socket/routes.ts";
import type { SocketUpgrade } from "./socket/upgrade.ts";
import { twoFactorRoutes } from "./two-factor/routes.ts";
import { deliveryRoutes } from "./webhooks/delivery-routes.ts";
import { webhookRoutes } from "./webhooks/routes.ts";
import type { Context } from "hono";
import { requestId } from "hono/request-id";

/** The objects that the HTTP application needs from compose.ts. */
export interface AppParts {
  ctx: Ctx;
  passwords: Passwords;
  mail: MailQueue;
  exportSlots: ExportSlots;
  receipts: ReadNotices;
  storeReaction: StoreReaction;
  uploads: Uploads;
  upgrade: SocketUpgrade;
}

/** The HTTP application: middleware, the routes of all features, the documents, and the error handlers. */
export function createApp(parts: AppParts) {
  const { ctx, passwords, mail, exportSlots, receipts, storeReaction, uploads, upgrade } = parts;
  const app = createRouter();
  app.use(headLength);
  app.use(seeClient(ctx.config));
  // Hono's middleware keeps fewer ids than this server does.
  const generator = (c: Context) => requestIdOf(c.req.header("x-request-id"));
  app.use(requestId({ limitLength: requestIdMax, generator }));
  app.use(requestLog(ctx));
  app.use(secureHeaders);
  app.use(requireHost);
  app.use(crossOrigin(ctx.config));
  app.use(
    "/api/*",
    limitRequests(ctx, (authorization) => bearerUserId(ctx, authorization)),
  );
  // Bodies that are files have other limits.
  app.route("/", fileRoutes(ctx, uploads));
  app.route("/", pictureFileRoutes(ctx, uploads));
  app.use(limitBody);
  app.route("/", hookPostRoutes(ctx));
  app.use(requireJson);

  app.route("/", authRoutes(ctx, passwords, mail));
  app.route("/", accountDeletionRoutes(ctx, passwords));
  app.route("/", accountMailRoutes(ctx, passwords, mail));
  app.route("/", twoFactorRoutes(ctx));
  app.route("/", identityRoutes(ctx, new Providers(ctx.config)));
  app.route("/", accessKeyRoutes(ctx));
  app.route("/", botRoutes(ctx));
  app.route("/", webhookRoutes(ctx));
  app.route("/", deliveryRoutes(ctx));
  app.route("/", incomingWebhookRoutes(ctx));
  app.route("/", pushRoutes(ctx));
  app.route("/", peopleRoutes(ctx));
  app.route("/", chatRoutes(ctx));
  app.route("/", receiptRoutes(ctx, receipts));
  app.route("/", messageRoutes(ctx));
  app.route("/", moderationRoutes(ctx));
  app.route("/", exportRoutes(ctx, exportSlots));
  app.route("/", reactionRoutes(ctx, storeReaction));
  app.route("/", attachmentRoutes(ctx, uploads));
  app.route("/", downloadRoutes(ctx));
  app.route("/", pictureRoutes(ctx));
  app.route("/", searchRoutes(ctx));
  app.route("/", answerRoutes(ctx));
  app.route("/", healthRoutes(ctx));
  app.route("/", metricsRoutes(ctx));
  app.route("/", socketRoutes(upgrade));
  app.route("/", docsRoutes(ctx.config));
  app.route("/", documentRoutes(app, ctx.config));
  app.route("/", pageRoutes(ctx.config));
  app.route("/", appFileRoutes(ctx.config));

  app.notFound(createNotFound(app));
  app.onError(handleError(ctx.log));
  return app;
}
