export function speakerCode(secretKey: string, chatId: number): string {
  return new Bun.CryptoHasher("sha256", secretKey)
    .update(`speaker:${chatId}`)
    .digest("hex")
    .slice(0, 8);
}
export const markOf = (code: string, username: string) => `[#${code} ${username}] `;
export const withoutCode = (text: string, code: string) => text.replaceAll(code, "…");
export function createMarkFilter(_code: string) {
  return { push: (t: string) => t, end: () => "" };
}
