// A program for tests to compile. It prints the page, the files that it names, and those that they name, as JSON.
import { readConfig } from "../../src/config/config.ts";
import { pageRoutes } from "../../src/http/page.ts";

const app = pageRoutes(readConfig({ NODE_ENV: "test" }));
const files: Record<string, string> = {};
const paths = ["/"];
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
