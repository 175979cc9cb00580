// The settings of the bus between servers. Files are read here, so that one that is missing is told at the start.
import { readFileSync } from "node:fs";

/** How this server proves who it is. */
export type BusCredentials =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "nkey"; readonly seed: string }
  | { readonly kind: "creds"; readonly text: string };

export interface BusSettings {
  /** `host:port`, at least one. */
  readonly servers: readonly string[];
  /** Undefined: the connection is not encrypted. Members are PEM texts. */
  readonly tls:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
      }
    | undefined;
  readonly credentials: BusCredentials | undefined;
  /** The first part of every subject. */
  readonly prefix: string;
}

/** The variables that say how NATS is reached. */
const waysToNats = [
  "NATS_CREDS",
  "NATS_NKEY",
  "NATS_TOKEN",
  "NATS_USER",
  "NATS_PASSWORD",
  "NATS_TLS_CA",
  "NATS_TLS_CERT",
  "NATS_TLS_KEY",
] as const;

const defaultPort = 4222;
/** The default of NATS_PREFIX. */
export const natsPrefix = "gemini-coop";

type Given = Readonly<Record<string, string | undefined>>;

/** @returns the settings, undefined without NATS_URL, and their faults, none of which has a secret in it */
export function readBusSettings(given: Given): {
  settings: BusSettings | undefined;
  faults: string[];
} {
  const faults: string[] = [];
  const { NATS_URL: list, NATS_PREFIX: prefix = natsPrefix } = given;
  if (list === undefined) {
    for (const name of waysToNats) {
      if (given[name] !== undefined) faults.push(`${name}: needs NATS_URL, which is not set`);
    }
    return { settings: undefined, faults };
  }
  const addresses = list.split(",").map((item) => readAddress(item.trim(), faults));
  const found = addresses.filter((address) => address !== undefined);
  if (!/^[\w-]{1,64}$/.test(prefix)) {
    faults.push("NATS_PREFIX: may have letters, digits, - and _ only, 64 at most");
  }
  const settings = {
    servers: found.map(({ server }) => server),
    tls: readTls(
      given,
      found.map(({ isSecure }) => isSecure),
      faults,
    ),
    credentials: readCredentials(
      given,
      found.map(({ login }) => login),
      faults,
    ),
    prefix,
  };
  return { settings: faults.length === 0 ? settings : undefined, faults };
}

interface Address {
  server: string;
  isSecure: boolean;
  /** The user and password, or the token, as in the address. */
  login: { user: string; password: string };
}

function readAddress(text: string, faults: string[]): Address | undefined {
  const fault = (words: string) => void faults.push(`NATS_URL: ${words}`);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (text === "") return fault("has an empty address");
  if (scheme !== undefined && !["nats", "tls"].includes(scheme)) {
    return fault(`begins with ${scheme}://, which is not understood: write nats:// or tls://`);
  }
  // URL knows the parts of an http address only.
  const address = URL.parse(
    `http://${scheme === undefined ? text : text.slice(scheme.length + 3)}`,
  );
  if (!address || address.hostname === "" || address.port === "0") {
    return fault("must be addresses such as nats://10.0.0.1:4222, separated by commas");
  }
  if (address.search !== "" || address.hash !== "" || !["", "/"].includes(address.pathname)) {
    return fault("has more than a host and a port: options are settings of their own");
  }
  if (address.username === "" && address.password !== "") {
    return fault("has a password without a user");
  }
  try {
    return {
      server: `${address.hostname}:${portOf(text, address)}`,
      isSecure: scheme === "tls",
      login: {
        user: decodeURIComponent(address.username),
        password: decodeURIComponent(address.password),
      },
    };
  } catch {
    return fault("has a user or a password that is not percent-encoded correctly");
  }
}

/** URL leaves 80 out, which is the default of another protocol. */
function portOf(text: string, { port }: URL): number {
  if (port !== "") return Number(port);
  return /:0*80\/?$/.test(text) ? 80 : defaultPort;
}

function readTls(given: Given, secure: boolean[], faults: string[]): BusSettings["tls"] {
  const { NATS_TLS_CERT: cert, NATS_TLS_KEY: key, NATS_TLS_CA: ca } = given;
  if (secure.some((one) => one !== secure[0])) {
    faults.push("NATS_URL: has both nats:// and tls:// addresses: write one of them everywhere");
  }
  const isNamed = cert !== undefined || key !== undefined || ca !== undefined;
  if (isNamed && !secure.includes(true) && secure.length > 0) {
    faults.push("NATS_URL: must begin with tls:// when NATS_TLS_CA or NATS_TLS_CERT is set");
  }
  if ((cert === undefined) !== (key === undefined)) {
    faults.push("NATS_TLS_CERT: and NATS_TLS_KEY are needed together");
  }
  const tls = {
    ca: readPem("NATS_TLS_CA", ca, faults),
    cert: readPem("NATS_TLS_CERT", cert, faults),
    key: readPem("NATS_TLS_KEY", key, faults),
  };
  return secure.includes(true) ? tls : undefined;
}

function readPem(name: string, path: string | undefined, faults: string[]): string | undefined {
  const text = readFile(name, path, faults);
  if (text !== undefined && !text.includes("-----BEGIN ")) {
    faults.push(`${name}: the file ${path} has no PEM text`);
  }
  return text;
}

function readFile(name: string, path: string | undefined, faults: string[]): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    faults.push(`${name}: the file ${path} does not exist, or cannot be read`);
    return undefined;
  }
}

function readCredentials(
  given: Given,
  logins: Address["login"][],
  faults: string[],
): BusCredentials | undefined {
  const [login = { user: "", password: "" }] = logins;
  if (logins.some(({ user, password }) => user !== login.user || password !== login.password)) {
    faults.push("NATS_URL: has addresses with different users or passwords: all need the same");
  }
  const { NATS_USER: user, NATS_PASSWORD: password, NATS_TOKEN: token } = given;
  if ((user === undefined) !== (password === undefined)) {
    faults.push("NATS_USER: and NATS_PASSWORD are needed together");
  }
  const creds = readFile("NATS_CREDS", given.NATS_CREDS, faults);
  if (creds !== undefined && !/-BEGIN NATS USER JWT-[^]*-BEGIN USER NKEY SEED-/.test(creds)) {
    faults.push(`NATS_CREDS: the file ${given.NATS_CREDS} has no user JWT with its seed`);
  }
  const seed = readFile("NATS_NKEY", given.NATS_NKEY, faults)?.trim();
  if (seed !== undefined && !/^SU[A-Z2-7]{56}$/.test(seed)) {
    faults.push(
      `NATS_NKEY: the file ${given.NATS_NKEY} has no seed of a user, which begins with SU`,
    );
  }
  const ways: (BusCredentials | undefined)[] = [
    login.user !== "" && login.password !== "" ? { kind: "password", ...login } : undefined,
    // As other clients of NATS do: a name alone in the address is a token.
    login.user !== "" && login.password === "" ? { kind: "token", token: login.user } : undefined,
    user !== undefined && password !== undefined ? { kind: "password", user, password } : undefined,
    token === undefined ? undefined : { kind: "token", token },
    seed === undefined ? undefined : { kind: "nkey", seed },
    creds === undefined ? undefined : { kind: "creds", text: creds },
  ];
  const chosen = ways.filter((way) => way !== undefined);
  if (chosen.length > 1) {
    faults.push(
      "NATS_URL: is given several ways to sign in: keep one of the address, NATS_USER, NATS_TOKEN, NATS_NKEY and NATS_CREDS",
    );
  }
  return chosen[0];
}
