import type { Account, AccountOptions } from "../client/account.ts";
import { loadDialogParts } from "./dialogs.tsx";

/** The account of the person, whose code is loaded with the dialogs when it is first needed. */
export function laterAccount(options: AccountOptions): Account {
  const load = async () => (await loadDialogParts()).createAccount(options);
  return {
    exportChat: async (...chat) => await (await load()).exportChat(...chat),
    exportMe: async () => await (await load()).exportMe(),
    deleteMe: async (...choice) => await (await load()).deleteMe(...choice),
  };
}
