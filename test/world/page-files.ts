// A program for tests to compile. It prints the page, the files that it names, and those that they name, as JSON.
import { readConfig } from "../../src/config/config.ts";
import { appFileRoutes } from "../../src/http/app-files.ts";
import { pageRoutes } from "../../src/http/page.ts";

const config = readConfig({ NODE_ENV: "test" });
const app = pageRoutes(config).route("/", appFileRoutes(config));
const files: Record<string, string> = {};
const paths = ["/", "/manifest.webmanifest"];
for (const path of paths) {
  const response = await app.request(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const text = await response.text();
  files[path] = text;
  for (const [, named = ""] of text.matchAll(/"(\/(?:page\/)?[\w-]+\.(?:js|css|svg))"/g)) {
    if (!paths.includes(named)) paths.push(named);
  }
}
console.log(JSON.stringify(files));
