/**
 * A body that asks for its next part when the reader has taken the one before, so that a slow reader costs no memory.
 * @param release is called once, when the body has ended, has failed, or nobody reads it any more
 */
export function streamed(
  parts: AsyncGenerator<string, void>,
  release: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (!done) return controller.enqueue(encoder.encode(value));
          release();
          controller.close();
        } catch (error) {
          // The connection breaks, so that nobody takes what was sent for the whole.
          release();
          controller.error(error);
        }
      },
      async cancel() {
        release();
        await parts.return();
      },
    },
    { highWaterMark: 0 },
  );
}
