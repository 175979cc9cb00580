// The tables of the FastAPI server's database, as SQLAlchemy makes them, and the names that their columns have.
import { type Source, SourceError } from "./source.ts";

interface TableLayout {
  /** The table has the first of these names that there is. */
  names: readonly string[];
  /** Rows are read in the order of the first two columns. */
  required: Readonly<Record<string, readonly string[]>>;
  optional: Readonly<Record<string, readonly string[]>>;
}

const layouts = {
  users: {
    names: ["users"],
    required: {
      id: ["id"],
      username: ["username"],
      email: ["email"],
      hash: ["hashed_password", "password_hash"],
    },
    optional: { created_at: ["created_at"], is_active: ["is_active"] },
  },
  chats: {
    names: ["chats"],
    required: { id: ["id"], name: ["name"] },
    optional: {
      is_group: ["is_group"],
      is_ai_chat: ["is_ai_chat"],
      owner_id: ["owner_id", "created_by", "created_by_id", "creator_id"],
      created_at: ["created_at"],
    },
  },
  participants: {
    names: ["chat_participants"],
    required: { chat_id: ["chat_id"], user_id: ["user_id"] },
    optional: {
      joined_at: ["joined_at", "created_at"],
      role: ["role"],
      is_admin: ["is_admin", "is_owner"],
    },
  },
  messages: {
    names: ["messages"],
    required: {
      id: ["id"],
      chat_id: ["chat_id"],
      user_id: ["user_id", "sender_id"],
      content: ["content"],
      created_at: ["created_at", "timestamp"],
    },
    optional: { is_bot: ["is_bot"] },
  },
  receipts: {
    names: ["message_read_receipts", "read_receipts", "message_reads"],
    required: { message_id: ["message_id"], user_id: ["user_id"] },
    optional: {},
  },
} satisfies Record<string, TableLayout>;

export type TableKind = keyof typeof layouts;
export const tableKinds = ["users", "chats", "participants", "messages", "receipts"] as const;

export interface FoundTable {
  name: string;
  /** The column of each member that the table has. */
  columns: Record<string, string>;
}

/** The tables of a source. Only that of the receipts may be missing. */
export type FoundTables = Record<Exclude<TableKind, "receipts">, FoundTable> & {
  receipts: FoundTable | undefined;
};

/** @throws SourceError with all tables and columns that are missing */
export function findTables({ tables }: Source): FoundTables {
  const missing: string[] = [];
  const find = (kind: TableKind): FoundTable | undefined => {
    const layout: TableLayout = layouts[kind];
    const name = layout.names.find((candidate) => tables.has(candidate));
    if (name === undefined) {
      if (kind !== "receipts") missing.push(`the table ${layout.names[0]}`);
      return undefined;
    }
    const own = tables.get(name) ?? [];
    const columns: Record<string, string> = {};
    for (const [member, candidates] of Object.entries({ ...layout.required, ...layout.optional })) {
      const column = candidates.find((candidate) => own.includes(candidate));
      if (column !== undefined) columns[member] = column;
      else if (member in layout.required) missing.push(`the column ${name}.${candidates[0]}`);
    }
    return { name, columns };
  };
  const [users, chats, participants] = [find("users"), find("chats"), find("participants")];
  const [messages, receipts] = [find("messages"), find("receipts")];
  if (!users || !chats || !participants || !messages || missing.length > 0) {
    throw new SourceError(
      `The source is no database of the FastAPI server: it lacks ${missing.join(", ")}.`,
    );
  }
  return { users, chats, participants, messages, receipts };
}

/** The columns of the tables found, and the other tables, that the import does not look at. */
export function unusedParts(source: Source, found: FoundTables): string[] {
  const used = new Map<string, string[]>();
  for (const table of Object.values(found)) {
    if (table) used.set(table.name, Object.values(table.columns));
  }
  return Array.from(source.tables).flatMap(([table, columns]) => {
    const own = used.get(table);
    if (!own) return [table];
    // The ids of memberships and receipts are known to nobody.
    return columns
      .filter((column) => column !== "id" && !own.includes(column))
      .map((column) => `${table}.${column}`);
  });
}
