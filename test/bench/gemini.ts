// The scripted Gemini server, in a process that it shares with nothing that is measured.
import { startGeminiEmulator } from "../world/gemini/server.ts";
import { scriptFor } from "./script.ts";

startGeminiEmulator({
  port: Number(process.env.PORT),
  script: ({ body }) => scriptFor(body.contents.at(-1)?.parts.at(-1)?.text ?? ""),
  requestsKeptMax: 0,
});
