import { z } from "zod";
import { Bio, DisplayName } from "./names.ts";
import { Visibility } from "./presence.ts";
import { Id, numeric, text, Time } from "./text.ts";

const usernamePattern = /^[A-Za-z0-9_.-]+$/;

export const Username = z
  .string()
  .trim()
  .min(2, "must have at least 2 characters")
  .max(32, "must have at most 32 characters")
  .regex(usernamePattern, "may have letters a to z and A to Z, digits 0 to 9, and _ - . only")
  .meta({
    description: "The letters a to z and A to Z, the digits 0 to 9, and `_` `-` `.`",
    example: "john_doe",
  });

/** A username to look up. It is not checked against the rules for new usernames: a name that nobody can have is not found. */
export const UsernameSought = text({ min: 1, max: 256 }).meta({ example: "jane_doe" });

export const Email = z
  .string()
  .trim()
  .max(254, "must have at most 254 characters")
  .pipe(
    z.email(
      "must be an email address such as ann@example.com, of the letters a to z without accents",
    ),
  )
  .meta({ format: "email", example: "john@example.com" });

/** NIST SP 800-63B §3.1.1.2 advises against composition rules and trimming, so any characters are allowed. */
export const Password = text({ min: 8, max: 256, trim: false }).meta({
  example: "correct horse battery",
});

/** The members of a person's profile that a list of people shows. */
const shownMembers = {
  display_name: z.string().nullable().meta({
    description:
      "The name that the person wants to be shown under; null: the username. Several people may have the same one.",
    example: "Jane Doe",
  }),
  avatar_url: z
    .string()
    .nullable()
    .meta({
      description:
        "The path of the person's picture on this server, of 256 pixels; with `?size=64` of 64. It needs a token, and changes with the " +
        "picture. null: no picture",
      example: "/api/users/2/avatar/0195f3a2-7c1e-4d5b-9a64-2f8c1b7e0d31",
    }),
};

export const Profile = z
  .object({
    id: Id,
    username: z.string(),
    display_name: shownMembers.display_name,
    bio: z.string().nullable(),
    avatar_url: shownMembers.avatar_url,
    created_at: Time,
    is_bot_account: z.boolean().meta({
      description: "Whether a program acts in this account. People's accounts have false.",
    }),
  })
  .meta({
    id: "Profile",
    description: "A registered person as others see them: without the email and the settings",
  });
export type Profile = z.infer<typeof Profile>;

/** The members of {@link Profile} that a Participant has too. */
export const ShownMembers = z.object({
  ...shownMembers,
  is_bot_account: Profile.shape.is_bot_account,
});

export const User = z
  .object({
    id: Id,
    username: z.string(),
    email: z.string().meta({ description: "Empty for bots" }),
    email_verified: z.boolean().meta({
      description: "Whether the person has used a link that was sent to the address",
    }),
    created_at: Time,
    read_receipts: z.boolean().meta({
      description:
        "Whether others see what this person has read, and this person sees what they have read",
    }),
    presence: Visibility,
    ...Profile.pick({ display_name: true, bio: true, avatar_url: true, is_bot_account: true })
      .shape,
    totp_enabled: z.boolean().meta({ description: "Whether signing in asks for a code" }),
    has_password: z.boolean().meta({
      description:
        "False for people who sign in by a provider and have chosen no password, and for bots",
    }),
  })
  .meta({
    id: "User",
    description:
      "A registered person. Only that person is shown the email address and the settings.",
  });
export type User = z.infer<typeof User>;

/** Changes to the caller's profile and settings; an absent member stays as it is. */
export const UpdateMeInput = z
  .object({
    display_name: DisplayName.nullable().optional().meta({
      description: "null resets it, so that the username is shown.",
    }),
    bio: Bio.nullable().optional().meta({ description: "null or a blank text removes it." }),
    read_receipts: User.shape.read_receipts.optional(),
    presence: User.shape.presence.optional(),
  })
  .meta({ id: "UpdateMeInput", description: "Absent members stay as they are." });
export type UpdateMeInput = z.infer<typeof UpdateMeInput>;

export const RegisterInput = z
  .object({ username: Username, email: Email, password: Password })
  .meta({ id: "RegisterInput" });
export type RegisterInput = z.infer<typeof RegisterInput>;

export const LoginInput = z
  .object({
    username: UsernameSought.meta({ example: "john_doe" }),
    password: text({ min: 1, max: 256, trim: false }).meta({ example: "correct horse battery" }),
  })
  .meta({ id: "LoginInput" });
export type LoginInput = z.infer<typeof LoginInput>;

export const RefreshInput = z
  .object({ refresh_token: text({ min: 1, max: 256 }) })
  .meta({ id: "RefreshInput" });

export const Tokens = z
  .object({
    access_token: z
      .string()
      .meta({ description: "JWT for `Authorization: Bearer` and `/ws?token=`" }),
    token_type: z.literal("bearer"),
    expires_in: z
      .int()
      .meta({ description: "Seconds until the access token expires", example: 1800 }),
    refresh_token: z
      .string()
      .meta({ description: "Is exchanged once. Each refresh returns the next one." }),
  })
  .meta({ id: "Tokens" });
export type Tokens = z.infer<typeof Tokens>;

export const Ticket = z
  .object({
    ticket: z.string().meta({ description: "For `/ws?token=`. Can be used once." }),
    expires_in: z.int().meta({ description: "Seconds", example: 30 }),
  })
  .meta({ id: "Ticket" });
export type Ticket = z.infer<typeof Ticket>;

export const Confirmation = z
  .object({ message: z.string().meta({ description: "A sentence for a person" }) })
  .meta({ id: "Confirmation" });

export const ChangePasswordInput = z
  .object({
    current_password: LoginInput.shape.password.nullable().meta({
      description:
        "null for an account without a password (`has_password`), which gets one within 10 minutes of the sign-in",
    }),
    new_password: Password,
  })
  .meta({ id: "ChangePasswordInput" });
export type ChangePasswordInput = z.infer<typeof ChangePasswordInput>;

export const DeleteMeInput = z
  .object({
    password: LoginInput.shape.password,
    messages: z.enum(["keep", "erase"]).meta({
      description: "Whether the person's messages stay under `Deleted user`, or are deleted",
    }),
  })
  .meta({ id: "DeleteMeInput" });
export type DeleteMeInput = z.infer<typeof DeleteMeInput>;

export const SessionPath = z.object({
  session_id: z.uuid("must be the id of a session").meta({
    example: "0195f3a2-7c1e-4d5b-9a64-2f8c1b7e0d31",
  }),
});

export const Session = z
  .object({
    id: z.uuid(),
    current: z.boolean().meta({ description: "Whether this request belongs to the session" }),
    created_at: Time.meta({ description: "Time of the sign-in that began the session" }),
    last_used_at: Time.meta({ description: "Time of the last sign-in or refresh" }),
    expires_at: Time.meta({ description: "Time at which the session ends unless it is refreshed" }),
    address: z.string().nullable().meta({
      description: "Network address of the last sign-in or refresh",
    }),
    user_agent: z.string().nullable().meta({
      description: "The client's User-Agent header at that time, cut to 256 characters",
    }),
  })
  .meta({
    id: "Session",
    description: "A session begins with a sign-in. Only the person who signed in can see it.",
  });
export type Session = z.infer<typeof Session>;

const searchResultsMax = 50;

export const UserPath = z.object({ user_id: numeric({ min: 1 }).meta({ example: 2 }) });

export const UserSearchQuery = z.object({
  query: text({ min: 0, max: 256 })
    .default("")
    .meta({
      description:
        "Part of a username, or the beginning of a display name or of one of its words, without regard to case and accents; all its " +
        "characters are literal",
      example: "doe",
    }),
  limit: numeric({ min: 1, max: searchResultsMax })
    .default(10)
    .meta({ description: `1 to ${searchResultsMax}`, default: 10 }),
});
export type UserSearchQuery = z.infer<typeof UserSearchQuery>;
