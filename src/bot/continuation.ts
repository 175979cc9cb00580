export function createContinuation(_kept: string) {
  return { push: (t: string) => t, end: () => "" };
}
