// Signing in, for parts of the page that are loaded when they are first shown.
import { useMemo } from "preact/hooks";
import { createSignIn, type SignIn } from "../client/sign-in.ts";
import { usePageParts } from "./page-parts.ts";

export function useSignIn(): SignIn {
  const { client } = usePageParts();
  return useMemo(() => createSignIn({ client, url: location.origin }), [client]);
}
