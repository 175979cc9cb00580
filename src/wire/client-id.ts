import { text } from "./text.ts";

/** The text by which a client names a write of its own, so that a retry is recognised. */
export const ClientId = text({ min: 1, max: 64, trim: false }).meta({
  description:
    "Chosen by the client, and never used again for another message of this sender in this chat. A retry with it stores nothing twice.",
  example: "b1c6a2f0-01",
});
