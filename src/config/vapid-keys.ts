// The keys by which push services know this server: Voluntary Application Server Identification (RFC 8292), on the curve P-256.
import { createECDH, hkdfSync } from "node:crypto";

/** A key pair, both in base64url: the uncompressed point, and the number. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The order of P-256 (SEC 2, 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** 64 bits more than the order has, so that no number is likelier than another (FIPS 186-5, A.2.1). */
const seedBytes = 40;

/** The keys of servers whose settings name none: servers with one secret key have the same ones, and nothing is stored. */
export function derivedVapidKeys(secretKey: string): VapidKeys {
  const seed = Buffer.from(hkdfSync("sha256", secretKey, "", "gemini-coop vapid 1", seedBytes));
  const number = (BigInt(`0x${seed.toString("hex")}`) % (order - 1n)) + 1n;
  const privateKey = Buffer.from(number.toString(16).padStart(64, "0"), "hex");
  return { publicKey: publicKeyOf(privateKey), privateKey: privateKey.toString("base64url") };
}

function publicKeyOf(privateKey: Buffer): string {
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(privateKey);
  return curve.getPublicKey("base64url");
}

interface VapidVariables {
  VAPID_PUBLIC_KEY?: string | undefined;
  VAPID_PRIVATE_KEY?: string | undefined;
}

/** @returns what is wrong with the keys of the settings, which is empty where there are none */
export function vapidFaults({
  VAPID_PUBLIC_KEY: publicKey,
  VAPID_PRIVATE_KEY: privateKey,
}: VapidVariables): string[] {
  if (publicKey === undefined && privateKey === undefined) return [];
  if (publicKey === undefined) return ["VAPID_PUBLIC_KEY: must be set where VAPID_PRIVATE_KEY is"];
  if (privateKey === undefined) return ["VAPID_PRIVATE_KEY: must be set where VAPID_PUBLIC_KEY is"];
  try {
    const bytes = Buffer.from(privateKey, "base64url");
    if (/^[\w-]{43}$/.test(privateKey) && publicKeyOf(bytes) === publicKey) return [];
  } catch {
    // The private key is no number of the curve.
  }
  return ["VAPID_PUBLIC_KEY: is not the public key of VAPID_PRIVATE_KEY, both in base64url"];
}
