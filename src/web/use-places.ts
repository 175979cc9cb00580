import { useRef } from "preact/hooks";
import type { Message } from "../wire/messages.ts";
import { placesOf, type Place } from "./placing.ts";

/** The places of all messages. With each piece of an answer, only that of the answer is found anew: days and times take a while. */
export function usePlaces(messages: readonly Message[]): ReadonlyMap<Message, Place> {
  const held = useRef<ReadonlyMap<Message, Place>>(new Map());
  held.current = placesOf(messages, held.current);
  return held.current;
}
