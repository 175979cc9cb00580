// The parts of the page that components everywhere in it use.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Client } from "../client/client.ts";
import type { Details } from "../client/details.ts";
import type { WatchedPeople } from "./watched-people.ts";

export interface Services {
  client: Client;
  details: Details;
  watched: WatchedPeople;
}

export const ServicesContext = createContext<Services | undefined>(undefined);

/** @throws Error outside of the page */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("A component was rendered without ServicesContext.");
  return services;
}
