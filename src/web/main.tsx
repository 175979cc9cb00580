import { render } from "preact";
import { createChatList } from "../client/chat-list.ts";
import { createClient } from "../client/client.ts";
import { createDetails } from "../client/details.ts";
import { createPeople } from "../client/people.ts";
import { createPictures } from "../client/pictures.ts";
import { createPresence } from "../client/presence.ts";
import { storedOutbox } from "../client/stored-outbox.ts";
import { storedTokens } from "../client/stored-tokens.ts";
import { followActivity } from "./activity.ts";
import { App } from "./app.tsx";
import { CodeColouring, CodeColours } from "./code-colours.ts";
import { copyFormulas, FormulaDrawer, FormulaDrawing } from "./formula-drawing.ts";
import { laterAccount } from "./later-account.ts";
import { laterAttachments } from "./later-attachments.ts";
import { PagePartsContext } from "./page-parts.ts";
import { ShownPictures } from "./shown-pictures.ts";
import { Unfinished } from "./unfinished.ts";
import { openStorage } from "./page-storage.ts";
import { PageUploads } from "./page-uploads.ts";
import { WatchedPeople } from "./watched-people.ts";

/*
 * Tokens are kept in localStorage, so that a reload and a second tab are signed in, too. A script that got into this page
 * could read them there, but it could as well use them from any other place: memory hides nothing from it, and a cookie
 * would only keep it from taking them along. What stands against such a script is that there is none: nothing but this
 * server's own files runs here (see the Content-Security-Policy), and what people and the model write never becomes
 * HTML unsanitised. The access token lies beside the refresh token because a refresh token is good once: were it spent at
 * each load, two quick reloads would look like theft, and sign the reader out.
 */
const tokensKey = "gemini-coop-tokens";
const url = location.origin;
const storage = openStorage();
const tokens = storedTokens(storage, tokensKey);
const client = createClient({
  url,
  tokens,
  outbox: storedOutbox(storage),
  // A deletion that is sent when the page is left has to outlive the page.
  fetch: (url, init) => fetch(url, { ...init, keepalive: init.method === "DELETE" }),
});

// Another tab has signed in or out; without a key, everything was cleared.
addEventListener("storage", ({ key, oldValue, newValue }) => {
  const hasBegunOrEnded = key === tokensKey && (oldValue === null || newValue === null);
  if (key === null || hasBegunOrEnded) location.reload();
});

document.addEventListener("copy", copyFormulas);

const presence = createPresence(client);
followActivity(client, presence);
const attachments = laterAttachments({ client, url, tokens });
const services = {
  client,
  attachments,
  account: laterAccount({ client, url, tokens }),
  details: createDetails(client),
  people: createPeople(client),
  storage,
  pictures: new ShownPictures(createPictures({ client, url, tokens })),
  watched: new WatchedPeople(presence),
  unfinished: new Unfinished(),
  uploads: new PageUploads(attachments, client.session),
};

const root = document.querySelector("#page");
if (root) {
  render(
    <PagePartsContext.Provider value={services}>
      <FormulaDrawing.Provider value={new FormulaDrawer()}>
        <CodeColouring.Provider value={new CodeColours()}>
          <App client={client} chats={createChatList(client)} />
        </CodeColouring.Provider>
      </FormulaDrawing.Provider>
    </PagePartsContext.Provider>,
    root,
  );
}
client.connect();
