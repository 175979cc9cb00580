// The parts that the sections of the settings share.
import type { User } from "../wire/users.ts";

/** The properties of a section. Each saves its own changes, and shows why one was refused. */
export interface SettingsProps {
  user: User;
  /** Receives the person as the server has stored them. */
  onChanged: (user: User) => void;
}

/** Says that a section was saved. This live region is always rendered. */
export function Saved({ text }: { text: string }) {
  return (
    <p class="muted saved" role="status">
      {text}
    </p>
  );
}
