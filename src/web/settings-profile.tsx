import { useId, useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { PictureChoice } from "./picture-choice.tsx";
import { Avatar } from "./people-shown.tsx";
import { Saved, type SettingsProps } from "./settings-section.tsx";

const displayNameMax = 50;
const bioMax = 500;

/** The name, the text and the picture that others are shown of the person. */
export function ProfileSettings({ user, onChanged }: SettingsProps) {
  const { details, pictures } = usePageParts();
  const action = useAction();
  const [saved, setSaved] = useState("");
  const bioId = useId();

  async function save(form: HTMLFormElement) {
    setSaved("");
    const data = new FormData(form);
    const name = String(data.get("display_name") ?? "").trim();
    const bio = String(data.get("bio") ?? "").trim();
    const isDone = await action.run(async () =>
      onChanged(await details.changeMe({ display_name: name || null, bio: bio || null })),
    );
    if (isDone) setSaved("Your profile is saved.");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      <div class="me-shown">
        <Avatar userId={user.id} name={user.display_name ?? user.username} />
        <div>
          <strong>
            <bdi>{user.display_name ?? user.username}</bdi>
          </strong>
          <p class="muted">
            <bdi>@{user.username}</bdi>, <bdi>{user.email}</bdi>
          </p>
          <PictureChoice
            what="your picture"
            hasPicture={user.avatar_url !== null}
            onChoose={async (image) => onChanged(await pictures.client.setAvatar(image))}
            onRemove={async () => onChanged(await pictures.client.removeAvatar())}
          />
        </div>
      </div>
      <Field
        label="Display name"
        name="display_name"
        defaultValue={user.display_name ?? ""}
        placeholder={user.username}
        // A character may have two UTF-16 units. The server counts characters.
        maxLength={2 * displayNameMax}
        autocomplete="name"
        hint={`Shown in place of your username, at most ${displayNameMax} characters. Others mention you as @${user.username}.`}
      />
      <div class="field">
        <label for={bioId}>About you</label>
        <textarea
          id={bioId}
          name="bio"
          rows={4}
          dir="auto"
          maxLength={2 * bioMax}
          defaultValue={user.bio ?? ""}
          aria-describedby={`${bioId}-hint`}
        />
        <small id={`${bioId}-hint`} class="muted">
          Everybody who is signed in can read it, at most {bioMax} characters. Your email is never
          shown to others.
        </small>
      </div>
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button class="primary" disabled={action.isBusy}>
          Save
        </button>
      </footer>
    </form>
  );
}
