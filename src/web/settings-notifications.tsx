import { useEffect, useMemo, useState } from "preact/hooks";
import { createPush, type PushSubscription } from "../client/push.ts";
import { Refusal, useAction } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { usePageParts } from "./page-parts.ts";
import { canRing, ringHere } from "./push-device.ts";
import { ringNoMore } from "./push-end.ts";
import { Saved } from "./settings-section.tsx";
import { fullTime } from "./times.ts";

/** The browsers of the person that ring. The permission is asked for when the person presses the button. */
export function NotificationSettings() {
  const { client } = usePageParts();
  const push = useMemo(() => createPush(client), [client]);
  const [list, setList] = useState<readonly PushSubscription[]>();
  const [showsText, setShowsText] = useState(true);
  const [saved, setSaved] = useState("");
  const action = useAction();
  const load = async () => setList(await push.list());
  useEffect(() => void action.run(load), []);

  async function change(work: () => Promise<unknown>, text: string) {
    setSaved("");
    const isDone = await action.run(async () => {
      await work();
      await load();
    });
    if (isDone) setSaved(text);
  }

  async function remove({ id, current }: PushSubscription) {
    await push.unsubscribe(id);
    if (current) await ringNoMore();
  }

  async function begin() {
    const before = list?.filter(({ current }) => current) ?? [];
    await ringHere(client, showsText);
    // Subscribing anew has given this browser another address.
    for (const { id } of before) await push.unsubscribe(id).catch(() => undefined);
  }

  const isOn = list?.some(({ current }) => current) ?? false;
  return (
    <div class="stack">
      <p class="muted">
        This device rings when somebody mentions you or writes to you in a private chat, and when an
        answer to you is there, while you have no page open. Chats that you have muted do not ring.
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={showsText}
          onChange={(event) => setShowsText(event.currentTarget.checked)}
        />
        <span>
          Show the text <small class="muted">on the lock screen, too</small>
        </span>
      </label>
      {list && list.length > 0 && (
        <ul class="key-list" aria-label="Devices that ring">
          {list.map((device) => (
            <RingingDevice
              key={device.id}
              device={device}
              isBusy={action.isBusy}
              onRemove={() => void change(() => remove(device), "The device rings no more.")}
            />
          ))}
        </ul>
      )}
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        {canRing() ? (
          <button
            type="button"
            class="primary"
            disabled={action.isBusy || list === undefined}
            onClick={() => void change(begin, "This device rings.")}
          >
            {isOn ? "Ring anew on this device" : "Ring on this device"}
          </button>
        ) : (
          <p class="muted">
            This browser cannot ring. On an iPhone or iPad, add the page to the home screen first.
          </p>
        )}
      </footer>
    </div>
  );
}

function RingingDevice({
  device,
  isBusy,
  onRemove,
}: {
  device: PushSubscription;
  isBusy: boolean;
  onRemove: () => void;
}) {
  return (
    <li>
      <div>
        <strong>{device.current ? "This device" : "Another device"}</strong>
        <small class="muted">
          Since {fullTime(device.created_at)}, by {device.service},{" "}
          {device.shows_text ? "with" : "without"} the text
        </small>
      </div>
      <ConfirmedButton
        label="Remove"
        about={device.current ? "this device" : `the device by ${device.service}`}
        disabled={isBusy}
        onConfirm={onRemove}
      />
    </li>
  );
}
