import { useState } from "preact/hooks";
import type { TotpSetup } from "../client/sign-in.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { useSignIn } from "./use-sign-in.ts";
import { QrCode } from "./qr-code.tsx";
import { saveFile } from "./saved-file.ts";
import { Saved, type SettingsProps } from "./settings-section.tsx";

/** The second factor: an authenticator app. */
export function TwoFactorSettings({ user, onChanged }: SettingsProps) {
  const [codes, setCodes] = useState<readonly string[]>();
  if (codes) return <ShownCodes username={user.username} codes={codes} />;
  if (user.totp_enabled) return <TurnOff user={user} onChanged={onChanged} />;
  return (
    <SetUp
      onConfirmed={(made) => {
        setCodes(made);
        onChanged({ ...user, totp_enabled: true });
      }}
    />
  );
}

const codeField = {
  label: "Code",
  name: "code",
  autocomplete: "one-time-code",
  autocapitalize: "none",
  spellcheck: false,
  required: true,
} as const;

const codeOf = (form: HTMLFormElement) => String(new FormData(form).get("code") ?? "");

function SetUp({ onConfirmed }: { onConfirmed: (codes: readonly string[]) => void }) {
  const signIn = useSignIn();
  const action = useAction();
  const [setup, setSetup] = useState<TotpSetup>();

  if (!setup) {
    return (
      <div class="stack">
        <p class="muted">
          With an authenticator app on your phone, signing in asks for a code of the app after the
          password. Whoever knows your password alone can't sign in.
        </p>
        <Refusal of={action} />
        <footer>
          <button
            type="button"
            class="primary"
            disabled={action.isBusy}
            onClick={() => void action.run(async () => setSetup(await signIn.setUpTotp()))}
          >
            Set up an app
          </button>
        </footer>
      </div>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const code = codeOf(event.currentTarget);
        void action.run(async () => onConfirmed((await signIn.confirmTotp(code)).recovery_codes));
      }}
    >
      <p class="muted">Scan this with the app, and enter the code that it shows.</p>
      <QrCode text={setup.uri} label="QR code for the authenticator app" />
      <p class="muted">
        Or type this secret into the app: <code class="app-secret">{setup.secret}</code>
      </p>
      <Field {...codeField} inputMode="numeric" />
      <Refusal of={action} />
      <footer>
        <button class="primary" disabled={action.isBusy}>
          Turn it on
        </button>
      </footer>
    </form>
  );
}

/** Recovery codes, which are shown this once. */
function ShownCodes({ username, codes }: { username: string; codes: readonly string[] }) {
  return (
    <div class="stack">
      <p role="status">
        Signing in asks for a code now. Keep these recovery codes: each works once if you lose the
        app, and they are not shown again.
      </p>
      <ul class="recovery-codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <footer>
        <button
          type="button"
          class="primary"
          onClick={() =>
            saveFile(new Blob([`${codes.join("\n")}\n`]), `${username}-recovery-codes.txt`)
          }
        >
          Save them
        </button>
      </footer>
    </div>
  );
}

function TurnOff({ user, onChanged }: SettingsProps) {
  const signIn = useSignIn();
  const action = useAction();
  const [saved, setSaved] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const code = codeOf(event.currentTarget);
        void action
          .run(() => signIn.removeTotp(code))
          .then((isDone) => {
            if (!isDone) return;
            setSaved("Signing in asks for your password only.");
            onChanged({ ...user, totp_enabled: false });
          });
      }}
    >
      <p class="muted">
        Signing in asks for a code of your authenticator app. To turn that off, enter one, or a
        recovery code.
      </p>
      <Field {...codeField} />
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button class="danger" disabled={action.isBusy}>
          Turn it off
        </button>
      </footer>
    </form>
  );
}
