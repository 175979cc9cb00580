import { derivedVapidKeys, type VapidKeys } from "../config/vapid-keys.ts";
import type { Ctx } from "../context.ts";

/** The keys by which push services know this server, and every other one of the same database. */
export function vapidKeysOf({ config }: Pick<Ctx, "config">): VapidKeys {
  return config.vapid ?? derivedVapidKeys(config.secretKey);
}

/** The address at which a push service reaches the operator: https: or mailto: (RFC 8292 §2.1). */
export function vapidSubjectOf({ publicUrl, mail }: Ctx["config"]): string {
  if (publicUrl.startsWith("https:")) return publicUrl;
  const from = mail.by === "smtp" ? /[^\s<>@]+@[^\s<>@]+/.exec(mail.from)?.[0] : undefined;
  return `mailto:${from ?? `postmaster@${new URL(publicUrl).hostname}`}`;
}
