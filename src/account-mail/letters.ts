// The texts of the mails. Usernames and addresses are the only parts that people have written; HTML has them escaped.
import type { Mail } from "../mail/mail.ts";
import { linkTtlSeconds } from "../wire/mail.ts";

interface Letter {
  to: string;
  subject: string;
  /** Paragraphs in plain text. */
  paragraphs: string[];
  /** A link, which follows the first paragraph. */
  link?: { label: string; address: string };
}

const minutes = linkTtlSeconds / 60;
const product = "Gemini Coop";

function letter({ to, subject, paragraphs, link }: Letter): Mail {
  const [first = "", ...rest] = paragraphs;
  const text = [first, ...(link ? [link.address] : []), ...rest].join("\n\n");
  const button = link && `<p><a href="${escaped(link.address)}">${escaped(link.label)}</a></p>`;
  const body = [first, ...rest].map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  if (button) body.splice(1, 0, button);
  const html = `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${escaped(subject)}</title>\n<body>\n${body.join("\n")}\n</body>\n</html>\n`;
  return { to, subject, text: `${text}\n`, html };
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string) =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");

interface LinkMail {
  email: string;
  username: string;
  publicUrl: string;
  token: string;
}

/** The token is in the fragment, which browsers send to no server: it gets into no log. */
const addressOf = (publicUrl: string, place: string, token: string) =>
  `${publicUrl.replace(/\/+$/, "")}/#/${place}/${token}`;

export function verifyLetter({ email, username, publicUrl, token }: LinkMail): Mail {
  return letter({
    to: email,
    subject: `Confirm your email address for ${product}`,
    paragraphs: [
      `Hello ${username}, confirm that this is your email address:`,
      `The link works once, for ${minutes} minutes.`,
      "If you did not ask for it, ignore this mail: nothing changes.",
    ],
    link: {
      label: "Confirm this address",
      address: addressOf(publicUrl, "verify-email", token),
    },
  });
}

/** To an address that somebody wants to have, and that another account has. */
export function takenLetter({ email }: { email: string }): Mail {
  return letter({
    to: email,
    subject: `Your email address at ${product}`,
    paragraphs: [
      "Somebody has entered this email address for their account. You have an account with it already, so nothing has changed.",
      "If it was you, sign in to the account that has this address, or reset its password.",
    ],
  });
}

export function resetLetter({ email, username, publicUrl, token }: LinkMail): Mail {
  return letter({
    to: email,
    subject: `Reset your password for ${product}`,
    paragraphs: [
      `Hello ${username}, choose a new password:`,
      `The link works once, for ${minutes} minutes. All your sessions end then.`,
      "If you did not ask for it, ignore this mail: your password stays as it is.",
    ],
    link: {
      label: "Choose a new password",
      address: addressOf(publicUrl, "reset-password", token),
    },
  });
}

/**
 * @param wasVerified whether the address was known to be the person's before the reset
 * @param linked accounts at providers that still sign in
 * @param webhooks hosts that are still told of what concerns the person
 */
export function wasResetLetter({
  email,
  username,
  wasVerified,
  linked = [],
  webhooks = [],
}: {
  email: string;
  username: string;
  wasVerified: boolean;
  linked?: readonly string[];
  webhooks?: readonly string[];
}): Mail {
  const goingOn = [
    "Access keys of programs go on: see whether you know all of them in your settings.",
    ...(linked.length > 0 ? [`These linked accounts still sign in: ${linked.join(", ")}.`] : []),
    ...(webhooks.length > 0
      ? [`Your own webhooks are still told of your messages at: ${webhooks.join(", ")}.`]
      : []),
    ...(linked.length + webhooks.length > 0
      ? ["Remove those that you do not know in your settings."]
      : []),
  ];
  const ended =
    "This address had not been confirmed before, so somebody else may have made the account. Linked accounts, access keys, also those of bots, and webhooks were therefore removed.";
  return letter({
    to: email,
    subject: `Your password for ${product} was reset`,
    paragraphs: [
      `Hello ${username}, your password was reset by a link that was sent to this address. All your sessions have ended.`,
      ...(wasVerified ? goingOn : [ended]),
      "If it was not you, somebody can read your mails: change the password of your mailbox, and reset this one again.",
    ],
  });
}

/** To the address of a person who can sign in with another account from now on. */
export function identityLetter({
  email,
  username,
  provider,
  label,
}: {
  email: string;
  username: string;
  provider: string;
  label: string;
}): Mail {
  return letter({
    to: email,
    subject: `An account was linked to yours at ${product}`,
    paragraphs: [
      `Hello ${username}, the account ${label} (${provider}) was linked to yours. Whoever has it can sign in as you from now on.`,
      "If it was not you, unlink it in your settings, end all other sessions there, and change your password.",
    ],
  });
}

/** The letter to the address that an account had before. */
export function wasChangedLetter({
  email,
  username,
  newEmail,
}: {
  email: string;
  username: string;
  newEmail: string;
}): Mail {
  return letter({
    to: email,
    subject: `Your email address for ${product} was changed`,
    paragraphs: [
      `Hello ${username}, the email address of your account is ${newEmail} now.`,
      "If it was not you, tell the people who run this server.",
    ],
  });
}

/** The letter to the person whose webhook was turned off. It has no path of the address, which may be secret. */
export function webhookOffLetter({
  email,
  username,
  url,
  is_gone: isGone,
}: {
  email: string;
  username: string;
  url: string;
  is_gone: boolean;
}): Mail {
  const { host } = new URL(url);
  const reason = isGone
    ? "It has answered that it wants no more (410)."
    : "For three days every try to tell it of something has failed.";
  return letter({
    to: email,
    subject: `A webhook of ${product} was turned off`,
    paragraphs: [
      `Hello ${username}, your webhook at ${host} was turned off. ${reason}`,
      "Look at its deliveries, and turn it on again when it works.",
    ],
  });
}
