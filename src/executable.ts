// The one program of a container: the server, its migrations, and its health check. Bun compiles it, with everything that
// it imports: `bun build --compile src/executable.ts`.
const [command = "serve"] = process.argv.slice(2);
if (command === "serve") await import("./main.ts");
else await import("../db/cli.ts");
