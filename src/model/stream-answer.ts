// The port to a language model. model/gemini/ implements it with Gemini, model/demonstration.ts without any model.

/** A file of a turn. Its bytes go along, or the model's provider has them under an address. */
export interface TurnFile {
  /** The place in the turn's text before which the file stands, in UTF-16 units. */
  at: number;
  mediaType: string;
  source: { bytes: Uint8Array } | { uri: string };
}

/** One turn of a conversation as a model sees it. */
export interface Turn {
  role: "user" | "model";
  text: string;
  /** In the order of their places. */
  files?: TurnFile[];
}

/** The settings of the model for one answer. */
export interface ModelSettings {
  model: string;
  /** 0 to 2; null for the model's own. */
  temperature: number | null;
  /** Tokens of thought: 0 for none, -1 for as many as the model likes, null for its default. */
  thinkingBudget: number | null;
  /** Lets it look things up with Google Search. */
  googleSearch: boolean;
}

export interface Prompt {
  /** Rules and persona. Goes to the model apart from the conversation. */
  system: string;
  /** Oldest first; the question is the last. Never two of one role in a row, and the first is a user's. */
  turns: Turn[];
  settings: ModelSettings;
  /** Tokens of answer and thoughts together, at most. */
  outputTokensMax: number;
  /** Whether the answer may have pictures. */
  makesPictures?: boolean;
}

/** Tokens that the model counted. `total` = prompt + answer + thoughts + tool use. */
export interface Usage {
  prompt_tokens: number;
  answer_tokens: number;
  thoughts_tokens: number;
  cached_tokens: number;
  total_tokens: number;
}

/** A web page that an answer rests on. */
export interface Source {
  title: string;
  url: string;
}

/** The end of an answer that the model itself has ended. */
export interface Ending {
  status: "complete" | "truncated" | "blocked";
  /** A sentence for a person that says why it was blocked or cut short; absent when complete. */
  error?: string;
  /** The pages that the model found with Google Search; absent when there are none. */
  sources?: Source[];
}

/** A picture that a model has made. */
export interface MadePicture {
  mediaType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A picture of an answer that runs. */
export interface AnswerPicture extends MadePicture {
  chatId: number;
  messageId: number;
  /** The right to write the answer. */
  lease: { readonly id: number; readonly attempt: number };
  /** Its place among the pictures of the answer, from 1 on. */
  place: number;
  /** Its place in the text, in UTF-16 units. */
  at: number;
}

/** `usage` is the count so far: each replaces the one before, and the last one holds for the whole answer. */
export type Delta =
  { text: string } | { picture: MadePicture } | { usage: Usage } | { ending: Ending };

/**
 * Asks a model and yields its answer: any number of non-empty `text` pieces, of pictures and of `usage` counts, then exactly one
 * `ending`. The first piece has a visible character.
 * @throws ModelError when no proper end was reached; the text that was yielded before stays valid.
 * @throws EmptyAnswer when it ended properly without a visible character.
 * @throws the signal's reason when aborted.
 */
export type StreamAnswer = (prompt: Prompt, signal: AbortSignal) => AsyncIterable<Delta>;

/** The model failed. `detail` is a sentence for a person and holds no key, address or internal text. */
export class ModelError extends Error {
  readonly detail: string;
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "ModelError";
    this.detail = detail;
  }
}

/** The model ended properly without any text that is visible. For an answer that broke off this means that nothing was missing. */
export class EmptyAnswer extends ModelError {
  constructor() {
    super("Gemini gave an empty answer. Asking again may help.");
    this.name = "EmptyAnswer";
  }
}

/**
 * The model refused a request because of its files. `unknown`: its provider no longer has one of them. `unreadable`: the model
 * cannot read one of them.
 */
export class FilesRefused extends ModelError {
  readonly reason: "unknown" | "unreadable";
  constructor(reason: "unknown" | "unreadable", options?: ErrorOptions) {
    super("Gemini could not read the files of the question.", options);
    this.name = "FilesRefused";
    this.reason = reason;
  }
}

/** A file on its way to the provider. It is read in parts, again for each try, so that it is never in memory as a whole. */
export interface UploadedModelFile {
  name: string;
  mediaType: string;
  /** Bytes of the file. */
  size: number;
  /** Reads the bytes from `start` to `end`, which is excluded. @throws ModelError when the file is gone */
  read: (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;
}

/** Files that the provider of the model keeps for a while, so that large ones are sent once. */
export interface ModelFiles {
  /**
   * Stores a file, and waits until the model can use it.
   * @param name one that {@link newName} has made
   * @throws ModelError when it cannot be stored, or the model cannot use it; the signal's reason when aborted
   */
  upload(file: UploadedModelFile, signal: AbortSignal): Promise<StoredModelFile>;
  /** Removes a file. One that does not exist is a success. @throws ModelError */
  remove(name: string): Promise<void>;
  /** A name that nobody can guess. */
  newName(): string;
}

/** The files that are being sent to the provider. */
export interface RunningUploads {
  /** An answer waits so long for them, in milliseconds. */
  readonly waitMs: number;
  /** Waits for the upload of a file that runs, or begins it. @returns the address of the copy */
  join(fileId: number, upload: () => Promise<string>): Promise<string>;
}

export interface StoredModelFile {
  uri: string;
  /** The provider removes it then. */
  expiresAt: Date;
}
