/** One timer, set anew by each `set`. */
export interface Alarm {
  readonly isSet: boolean;
  set(ms: number, work: () => void): void;
  clear(): void;
}

/** setTimeout takes 31 bits, and calls at once for more. */
const timeoutMsMax = 2 ** 31 - 1;

export function createAlarm(): Alarm {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    get isSet() {
      return timer !== undefined;
    },
    set(ms, work) {
      clear();
      timer = setTimeout(
        () => {
          timer = undefined;
          work();
        },
        Math.min(ms, timeoutMsMax),
      );
    },
    clear,
  };
}
