// AsyncAPI's own parser on a file. Fails for every error and warning.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

/** That 3.1 is out is no fault of a 3.0 document. */
const expected = ["asyncapi-latest-version"];

const diagnostics = await new Parser().validate(readFileSync(process.argv[2], "utf8"));
const faults = diagnostics.filter(({ code }) => !expected.includes(code));
for (const { code, message, path } of faults)
  console.error(`${code}: ${message} (${path.join("/")})`);
process.exit(faults.length > 0 ? 1 : 0);
