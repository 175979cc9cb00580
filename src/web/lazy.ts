import { createElement, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/**
 * A part of the page whose code is a file of its own, which is loaded when the part is first shown.
 * @param Meanwhile is shown before it is loaded, and if it cannot be loaded
 * @param onFailure is called if it cannot be loaded
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Meanwhile: ComponentType<Props>,
  onFailure?: (props: Props) => void,
): ComponentType<Props> {
  let loading: Promise<ComponentType<Props>> | undefined;
  /** The part is shown at once from the second time on: keys that follow a click are meant for it. */
  let part: ComponentType<Props> | undefined;
  return function LazyPart(props: Props) {
    const [loaded, setLoaded] = useState(() => part);
    useEffect(() => {
      if (loaded) return;
      loading ??= load();
      loading.then(
        (found) => setLoaded(() => (part = found)),
        () => {
          // The next one that is shown tries again.
          loading = undefined;
          onFailure?.(props);
        },
      );
    }, []);
    return createElement(loaded ?? Meanwhile, props);
  };
}

/**
 * A dialog whose code is a file of its own, which is loaded when the dialog is first shown. If it cannot be loaded, the dialog
 * is closed, and the next time that it is opened tries again.
 */
export function lazyDialog<Props extends { onClose: () => void }>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  return lazyPart(
    load,
    () => null,
    ({ onClose }) => onClose(),
  );
}
