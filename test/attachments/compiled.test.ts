// The worker that reads recordings and the process that decodes images, in a program that is compiled as the Dockerfile says: the
// worker's path and its decoders are inside, and the process is the program itself.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { longTest } from "../world/long.ts";
import { makePng } from "./made-files.ts";

const root = join(import.meta.dir, "../..");
setDefaultTimeout(60_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-voice-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads the recordings and images that it is told of, and prints their durations and sizes. Like cli.ts, it stands in the folder of the sources. */
const program = `
  import { pino } from "pino";
  import { Images } from "./attachments/images/images.ts";
  import { imageCommand } from "./attachments/images/pipe.ts";
  import { Recordings } from "./attachments/voice/recordings.ts";
  if (process.argv[2] === imageCommand) {
    const { runImageProgram } = await import("./attachments/images/image-program.ts");
    await runImageProgram();
    process.exit();
  }
  const recordings = new Recordings();
  const images = new Images(pino({ enabled: false }));
  for (const argument of process.argv.slice(2)) {
    const [mediaType = "", path = ""] = argument.split("=");
    if (mediaType.startsWith("image/")) {
      const file = Bun.file(path);
      const source = { size: file.size, read: async () => file.stream() };
      await images.prepare(mediaType, source, async ({ reply, files }) => {
        console.log(reply.shown.width + files.length);
      });
      continue;
    }
    const { durationMs } = await recordings.read(mediaType, async () => new Uint8Array(await Bun.file(path).bytes()));
    console.log(durationMs);
  }
  process.exit();
`;

longTest("a compiled server reads recordings of all types, and images", async () => {
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const [, flags = "", worker = ""] =
    /^RUN bun build (--compile .*?) \\\n *src\/cli\.ts (\S+) --outfile/m.exec(dockerfile) ?? [];
  expect(worker).toBe("src/attachments/voice/read-worker.ts");
  cpSync(join(root, "src"), join(folder, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "node_modules"]) {
    symlinkSync(join(root, name), join(folder, name));
  }
  writeFileSync(join(folder, "src/program.ts"), program);
  const sources = ["src/program.ts", worker];
  const outfile = join(folder, "program");
  const built = Bun.spawnSync(
    [process.execPath, "build", ...flags.split(" "), ...sources, "--outfile", outfile],
    { cwd: folder },
  );
  expect(built.stderr.toString()).not.toContain("error");
  rmSync(join(folder, "src"), { recursive: true });
  const recordings = join(import.meta.dir, "recordings");
  const photo = join(folder, "photo.png");
  writeFileSync(photo, makePng(1_100, 20));
  const child = Bun.spawn(
    [
      outfile,
      `video/webm=${recordings}/opus.webm`,
      `audio/ogg=${recordings}/opus.ogg`,
      `audio/mpeg=${recordings}/tone.mp3`,
      `audio/mp4=${recordings}/aac.m4a`,
      `image/png=${photo}`,
    ],
    { cwd: folder, env: {} },
  );
  const durations = (await child.stdout.text()).trim().split("\n").map(Number);
  expect(durations).toEqual([3_014, 3_014, 3_000, 3_064, 1_102]);
});
