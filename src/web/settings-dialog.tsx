import type { ComponentType } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { BotSettings } from "./settings-bots.tsx";
import { EmailSettings } from "./settings-email.tsx";
import { IdentitySettings } from "./settings-identities.tsx";
import { TwoFactorSettings } from "./settings-two-factor.tsx";
import { KeySettings } from "./settings-keys.tsx";
import { LeavingSettings } from "./settings-leaving.tsx";
import { NotificationSettings } from "./settings-notifications.tsx";
import { PasswordSettings } from "./settings-password.tsx";
import { PrivacySettings } from "./settings-privacy.tsx";
import { ProfileSettings } from "./settings-profile.tsx";
import type { SettingsProps } from "./settings-section.tsx";
import { SessionSettings } from "./settings-sessions.tsx";
import { WebhookSettings } from "./webhook-settings.tsx";

/** A section is a file of its own. */
const sections: readonly { title: string; Section: ComponentType<SettingsProps> }[] = [
  { title: "Profile", Section: ProfileSettings },
  { title: "Privacy", Section: PrivacySettings },
  { title: "Notifications", Section: NotificationSettings },
  { title: "Email", Section: EmailSettings },
  { title: "Password", Section: PasswordSettings },
  { title: "Linked accounts", Section: IdentitySettings },
  { title: "Second factor", Section: TwoFactorSettings },
  { title: "Sessions", Section: SessionSettings },
  { title: "Access keys", Section: KeySettings },
  { title: "Bots", Section: BotSettings },
  { title: "Webhooks", Section: WebhookSettings },
  { title: "Export and deletion", Section: LeavingSettings },
];

/** The steps of the keys that move between tabs. */
const steps: Record<string, number> = {
  ArrowRight: 1,
  ArrowDown: 1,
  ArrowLeft: -1,
  ArrowUp: -1,
  Home: -Infinity,
  End: Infinity,
};

/** The person's own settings, in sections. */
export function SettingsDialog({ onClose, ...props }: SettingsProps & { onClose: () => void }) {
  const [shown, setShown] = useState(0);
  const id = useId();
  const tabs = useRef<HTMLDivElement>(null);
  const current = sections[shown];

  function move(event: KeyboardEvent) {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const last = sections.length - 1;
    const next = Number.isFinite(step)
      ? (shown + step + sections.length) % sections.length
      : Math.min(Math.max(step, 0), last);
    setShown(next);
    tabs.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  }

  return (
    <Dialog title="Your settings" onClose={onClose}>
      {() => (
        <>
          <div ref={tabs} class="tabs" role="tablist" aria-label="Settings" onKeyDown={move}>
            {sections.map(({ title }, index) => (
              <button
                key={title}
                type="button"
                class="quiet"
                role="tab"
                id={`${id}-tab-${index}`}
                aria-selected={index === shown}
                aria-controls={`${id}-panel`}
                tabIndex={index === shown ? 0 : -1}
                onClick={() => setShown(index)}
              >
                {title}
              </button>
            ))}
          </div>
          {current && (
            <div
              key={current.title}
              id={`${id}-panel`}
              class="section"
              role="tabpanel"
              aria-labelledby={`${id}-tab-${shown}`}
            >
              <current.Section {...props} />
            </div>
          )}
        </>
      )}
    </Dialog>
  );
}
