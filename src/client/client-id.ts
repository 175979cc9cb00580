/** 128 random bits. `crypto.randomUUID` is missing on pages that were loaded over plain HTTP. */
export function makeClientId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
