// Sentences for requests that Gemini refuses whenever they are made. Each says what was refused, and names the setting
// that mends it: a setting of the chat, which its owner can change, or one of the server. Google documents neither the
// messages nor codes for most of these cases, so they are told apart by words of messages that were seen.

export interface RefusedRequest {
  status: number;
  /** google.rpc.Code's name. */
  code: string | undefined;
  message: string;
  /** The reasons of google.rpc.ErrorInfo. */
  reasons: string[];
  /** The model that was asked for. */
  model: string;
}

const operator = "The operator of this server should look at";
const badKey = "Gemini refused this server's key.";
const otherModel = `The chat's owner can choose another model; the operator of this server should look at GEMINI_MODEL and GEMINI_MODELS.`;

interface Case {
  matches: RegExp;
  detail: (request: RefusedRequest) => string;
}

/** Matched with reasons and message. */
const accountCases: readonly Case[] = [
  {
    matches: /API_KEY_INVALID|API_KEY_EXPIRED|api key (not valid|not found|is invalid|expired)/i,
    detail: () => `${badKey} ${operator} GEMINI_API_KEY: the key is not valid, or has expired.`,
  },
  {
    matches: /API_KEY_\w+_BLOCKED|\bare blocked\b/i,
    detail: () =>
      `${badKey} ${operator} GEMINI_API_KEY: the restrictions of the key forbid requests of this server.`,
  },
  {
    matches: /SERVICE_DISABLED|has not been used in project|it is disabled/i,
    detail: () =>
      `${badKey} ${operator} GEMINI_API_KEY: the Gemini API is not enabled in the project of the key.`,
  },
  {
    matches: /CONSUMER_SUSPENDED|suspended|reported as leaked/i,
    detail: () => `${badKey} ${operator} GEMINI_API_KEY: the key or its project is suspended.`,
  },
  {
    matches: /location is not supported/i,
    detail: () =>
      `Gemini does not answer from the country in which this server is. ${operator} the project of GEMINI_API_KEY.`,
  },
  {
    matches: /\bcredits?\b|prepay|BILLING_DISABLED|spend(ing)? (cap|limit)/i,
    detail: () => `${badKey} ${operator} the billing of GEMINI_API_KEY: it has no credit left.`,
  },
];

const thinking: Case = {
  matches: /thinking|thought|\bbudget\b/i,
  detail: ({ message }) => {
    const [, least, most] = /between (-?\d+) and (\d+)/i.exec(message) ?? [];
    const range = least && most ? `, which must be between ${least} and ${most}` : "";
    return `Gemini's model does not accept the thinking budget of this chat${range}. ${owner("thinking_budget")}`;
  },
};

const tooLong: Case = {
  matches:
    /token count|too many tokens|number of tokens|token limit|context (length|window)|too long|too large|payload size|exceeds the (limit|maximum)/i,
  detail: ({ message }) => {
    const [tokens, most] = (message.match(/\d[\d,]{2,}/g) ?? []).map((digits) =>
      Number(digits.replaceAll(",", "")),
    );
    const size =
      tokens !== undefined && most !== undefined && /token/i.test(message)
        ? ` (${tokens.toLocaleString("en-US")} tokens, at most ${most.toLocaleString("en-US")})`
        : "";
    return (
      `The question and the room's history are too long for Gemini's model${size}. Ask with fewer words, or ask in a ` +
      "new chat. The operator of this server can lower GEMINI_CONTEXT_TOKENS."
    );
  },
};

/** The first match counts: a message about output tokens or a budget names tokens, too. */
const requestCases: readonly Case[] = [
  {
    matches: /max_?\s?output_?\s?tokens/i,
    detail: () =>
      `Gemini's model can't write answers as long as this chat allows. ${owner("thinking_budget")}`,
  },
  thinking,
  {
    matches: /temperature/i,
    detail: () =>
      `Gemini's model does not accept the temperature of this chat. ${owner("temperature")}`,
  },
  {
    matches: /search|grounding|\btools?\b/i,
    detail: () => `Gemini's model can't search the web. ${owner("google_search")}`,
  },
  {
    matches: /(developer|system)[ _]?instruction/i,
    detail: ({ model }) =>
      `The model ${model} takes no instructions, so it can't answer in a room. ${otherModel}`,
  },
  tooLong,
  {
    matches:
      /\bmodels?\/|model name|\bmodel\b.*\b(not found|not supported|deprecated|retired|no longer)/i,
    detail: unknownModel,
  },
];

function owner(setting: string): string {
  return `The chat's owner can change its setting ${setting}, or choose another model.`;
}

function unknownModel({ model }: RefusedRequest): string {
  return `Gemini does not know the model ${model}, or does not offer it to this server. ${otherModel}`;
}

/** Tells whether the server's access to Gemini was refused: its key, its project, or where it is. */
export function isAccountRefusal(request: RefusedRequest): boolean {
  const { status, code } = request;
  // 402: no credit is left. FAILED_PRECONDITION: Google has no free tier where this server is.
  if ([401, 402, 403].includes(status) || code === "FAILED_PRECONDITION") return true;
  return [400, 429].includes(status) && findCase(accountCases, accountText(request)) !== undefined;
}

export function accountRefusal(request: RefusedRequest): string {
  const known = findCase(accountCases, accountText(request));
  if (known) return known.detail(request);
  if (request.status === 402) {
    return `${badKey} ${operator} the billing of GEMINI_API_KEY: it has no credit left.`;
  }
  if (request.code === "FAILED_PRECONDITION") {
    return `${badKey} ${operator} the billing of GEMINI_API_KEY: Google may ask for it where this server is.`;
  }
  return `${badKey} ${operator} GEMINI_API_KEY: it may not use Gemini, or not the model ${request.model}.`;
}

/** Returns the sentence for a request that was refused for its content or settings. */
export function requestRefusal(request: RefusedRequest): string {
  if (request.status === 404) return unknownModel(request);
  if (request.status === 413) return tooLong.detail(request);
  const known = findCase(requestCases, request.message);
  return known?.detail(request) ?? "Gemini did not accept this question.";
}

function accountText({ reasons, message }: RefusedRequest): string {
  return [...reasons, message].join(" ");
}

function findCase(cases: readonly Case[], text: string): Case | undefined {
  return cases.find(({ matches }) => matches.test(text));
}
