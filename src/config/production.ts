// Rules for settings that depend on each other, and for those of a production server.

const exampleSecrets = [
  "your-secret-key-here",
  "change-me",
  "changeme",
  "secret",
  "password",
  // The key of FastAPI's tutorial, which many servers run with.
  "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];
/** RFC 7518 §3.2: as many as the hash has. */
const secretBytesMin: Record<string, number> = { HS256: 32, HS384: 48, HS512: 64 };

/** @returns the faults of settings that go together, one sentence each */
export function mailFaults(env: Record<string, string | undefined>): string[] {
  if (!env.SMTP_URL) return [];
  const faults: string[] = [];
  if (!env.MAIL_FROM) faults.push("MAIL_FROM: must be set where SMTP_URL is");
  if (!env.PUBLIC_URL && env.NODE_ENV === "production") {
    faults.push(
      "PUBLIC_URL: must be set where SMTP_URL is, since the links in mails begin with it",
    );
  }
  return faults;
}

/** @returns the faults of an environment, one sentence each; none outside production */
export function productionFaults(env: Record<string, string | undefined>): string[] {
  if (env.NODE_ENV !== "production") return [];
  const faults: string[] = [];
  if (!env.DATABASE_URL) {
    faults.push("DATABASE_URL: must be set in production, which has no embedded database");
  }
  if (env.RATE_LIMITS === "off") {
    faults.push("RATE_LIMITS: must not be off in production; choose memory or postgres");
  }
  if (!env.SECRET_KEY) {
    faults.push("SECRET_KEY: must be set in production; make one with `openssl rand -base64 48`");
  }
  for (const name of ["SECRET_KEY", "SECRET_KEY_PREVIOUS"]) {
    const secret = env[name];
    const bytesMin = secretBytesMin[env.ALGORITHM ?? "HS256"] ?? 32;
    if (!secret || !isWeak(secret, bytesMin)) continue;
    faults.push(
      `${name}: is too weak for production (at least ${bytesMin} random bytes, no example value); ` +
        "make one with `openssl rand -base64 48`",
    );
  }
  return faults;
}

/** A key with few different characters is not random. */
function isWeak(secret: string, bytesMin: number): boolean {
  const text = secret.toLowerCase();
  return (
    Buffer.byteLength(secret) < bytesMin ||
    new Set(secret).size < 8 ||
    exampleSecrets.some((example) => text.startsWith(example)) ||
    /your[-_ ]?(super[-_ ]?)?secret|change[-_ ]?(me|this)|example/.test(text)
  );
}
