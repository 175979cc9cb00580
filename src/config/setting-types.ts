// The types of settings. Their messages follow the name of the setting.
import { isIP } from "node:net";
import { z } from "zod";

export const wholeNumber = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback);

export const share = (fallback: number) =>
  z
    .string()
    .regex(/^(0|1|[01]?\.\d+|1\.0*)$/, "must be a number from 0 to 1")
    .transform(Number)
    .pipe(z.number().max(1, "must be a number from 0 to 1"))
    .default(fallback);

/** `name=value,name=value`, percent-encoded: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export const headerList = z.string().transform((list, check) => {
  const pairs = list.split(",").map((pair) => /^ *([\w-]+) *= *([^,]*?) *$/.exec(pair));
  try {
    const known = pairs.filter((pair) => pair !== null);
    if (known.length !== pairs.length) throw new URIError();
    return Object.fromEntries(
      known.map(([, name = "", value = ""]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    check.addIssue({ code: "custom", message: "must be name=value pairs, separated by commas" });
    return z.NEVER;
  }
});

/** An IP address without brackets, or a name. */
export const listenHost = z
  .string()
  .refine(
    (text) => isIP(text) !== 0 || /^[\w.-]+$/.test(text),
    "must be an address of this machine, such as 0.0.0.0, 127.0.0.1 or ::, without a port",
  );

export const modelName = z.string().regex(/^[\w.\-/]+$/, "must be a model's name");

export const httpUrl = z.url({
  protocol: /^https?$/,
  message: "must be an http:// or https:// address",
});

/** The address at which ClamAV's daemon listens. */
export type ScanAddress = { host: string; port: number } | { path: string };

const scanPort = 3310;

/** `tcp://host:port`, or `unix:///path` of a socket. */
export const scanAddress = z.string().transform((text, check): ScanAddress => {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(text) ?? [];
  if (path !== undefined) return { path };
  const url = /^tcp:\/\//.test(text) ? URL.parse(text.replace(/^tcp:/, "http:")) : null;
  if (url && url.pathname === "/" && !url.search && !url.hash && !url.username) {
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    return { host, port: portOf(text) ?? scanPort };
  }
  check.addIssue({
    code: "custom",
    message: "must be tcp://host:port or unix:///path/of/a/socket",
  });
  return z.NEVER;
});

/** The port of an address, also the default one of its scheme. */
function portOf(text: string): number | undefined {
  const [, port] = /:(\d{1,5})\/?$/.exec(text) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** The address by which people reach this server, which has a host name of its own. */
export const publicUrl = z
  .string()
  .refine(
    (text) => originOf(text) !== undefined,
    "must be http://host[:port] or https://host[:port], without a user and a path",
  )
  .transform((text) => originOf(text) ?? text);

/** An address without a host would be this machine's. */
export const smtpUrl = z
  .string()
  .refine(
    (text) => /^smtps?:\/\/./i.test(text) && URL.parse(text)?.hostname,
    "must be an address such as smtp://user:password@host:587 or smtps://host",
  );

/** The address of a store, which is shown in the log. */
export const storeUrl = httpUrl.refine(
  (text) => URL.parse(text)?.username === "" && URL.parse(text)?.password === "",
  "must be without a user: the keys are S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
);

export const origins = z
  .string()
  .transform((list) => list.split(",").map((origin) => origin.trim()))
  .pipe(
    z.array(
      z
        .string()
        .refine((origin) => origin === "*" || originOf(origin) !== undefined, {
          error: (issue) =>
            `has "${String(issue.input)}", which is no origin: write http://host[:port] or https://host[:port], or * for all`,
        })
        .transform((origin) => originOf(origin) ?? origin),
    ),
  );

const returnAddressMax = 2_000;

/** Addresses to which a browser may return, in the spelling of {@link URL}. They have no fragment, which the answer takes. */
export const returnAddresses = z
  .string()
  .transform((list) => list.split(",").map((address) => address.trim()))
  .pipe(
    z.array(
      z
        .string()
        .refine(isReturnAddress, {
          error: (issue) =>
            `has "${String(issue.input)}": write whole addresses such as https://app.example.com/signed-in, without a user, * or #`,
        })
        .transform((text) => URL.parse(text)?.href ?? text),
    ),
  );

function isReturnAddress(text: string): boolean {
  const isWritten = /^https?:\/\/[^\s*#@\\]+$/.test(text) && text.length <= returnAddressMax;
  return isWritten && URL.canParse(text);
}

/**
 * The origin that an address is, in the spelling of browsers, which compare it letter by letter: in lower case, without the default
 * port. Undefined for an address that has more than that, or a wildcard, which no origin has.
 */
function originOf(text: string): string | undefined {
  const url = /^https?:\/\/[^\s*]+$/i.test(text) ? URL.parse(text) : null;
  return url?.href === `${url?.origin}/` ? url?.origin : undefined;
}

/** An address, or a network in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). `/0` is refused, since it would trust everybody. */
function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIP(address) === 4 ? 32 : 128;
  if (isIP(address) === 0 || address.includes("%") || rest.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
}

export const networks = z
  .string()
  .transform((list) => list.split(",").map((network) => network.trim()))
  .pipe(
    z.array(
      z.string().refine(isNetwork, {
        error: (issue) =>
          `has "${String(issue.input)}": write addresses such as 10.0.0.1 or ::1, or networks such as 10.0.0.0/8`,
      }),
    ),
  );
