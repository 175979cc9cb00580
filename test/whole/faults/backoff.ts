const backoffMsMax = 200;

/**
 * The longest pause before the next try, doubled for each that has failed. While a server starts, people who tried again
 * without a break would take the processor from it.
 * @param firstMs after the first failure
 */
export function backoffMs(firstMs: number, failures: number): number {
  return Math.max(firstMs, Math.min(firstMs * 2 ** (failures - 1), backoffMsMax));
}
