import { questionIn } from "./directions.ts";

/** A message as it was written. `/bot` is isolated, so that the direction is that of what is asked. */
export function PlainText({ text }: { text: string }) {
  const { command, rest } = questionIn(text);
  return (
    <>
      {command !== "" && <bdi>{command}</bdi>}
      {rest}
    </>
  );
}
