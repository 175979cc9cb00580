// The parts of the page that components everywhere in it use.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Attachments } from "../client/attachments.ts";
import type { Account } from "../client/account.ts";
import type { Client } from "../client/client.ts";
import type { Details } from "../client/details.ts";
import type { People } from "../client/people.ts";
import type { BrowserStorage } from "../client/stored-entries.ts";
import type { ShownPictures } from "./shown-pictures.ts";
import type { Unfinished } from "./unfinished.ts";
import type { PageUploads } from "./page-uploads.ts";
import type { WatchedPeople } from "./watched-people.ts";

export interface PageParts {
  account: Account;
  client: Client;
  attachments: Attachments;
  details: Details;
  people: People;
  storage: BrowserStorage;
  pictures: ShownPictures;
  watched: WatchedPeople;
  unfinished: Unfinished;
  uploads: PageUploads;
}

export const PagePartsContext = createContext<PageParts | undefined>(undefined);

/** @throws Error outside of the page */
export function usePageParts(): PageParts {
  const services = useContext(PagePartsContext);
  if (!services) throw new Error("A component was rendered without PagePartsContext.");
  return services;
}
