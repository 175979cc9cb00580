// The subjects of the bus. They are made of ids that the database gave, so that no client can choose one.

/** `chat`: who has joined it; `list`: who follows its activity; `answers`: who runs answers in it; `server`: one server. */
export type SubjectKind = "chat" | "list" | "answers" | "user" | "server" | "all";

export class Subjects {
  readonly #prefix: string;
  /** Every server subscribes to it. */
  readonly all: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.all = `${prefix}.all`;
  }

  of(kind: "chat" | "list" | "answers" | "user", id: number): string {
    return `${this.#prefix}.${kind}.${id}`;
  }

  ofServer(name: string): string {
    return `${this.#prefix}.server.${name}`;
  }
}
