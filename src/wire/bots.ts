// Bots: accounts that belong to a person, and in which only programs act.
import { z } from "zod";
import { Id, numeric, Time } from "./text.ts";
import { Username } from "./users.ts";

/** Limit of the bots of one person. */
export const botsPerPersonMax = 20;

export const CreateBotInput = z
  .object({ username: Username.meta({ example: "build_bot" }) })
  .meta({ id: "CreateBotInput" });
export type CreateBotInput = z.infer<typeof CreateBotInput>;

export const Bot = z
  .object({
    id: Id.meta({ description: "The id of the bot as a user" }),
    username: z.string(),
    created_at: Time,
    is_bot_account: z.literal(true),
  })
  .meta({ id: "Bot", description: "A bot as its owner sees it" });
export type Bot = z.infer<typeof Bot>;

export const BotPath = z.object({ bot_id: numeric({ min: 1 }).meta({ example: 2 }) });
