// A process that uploads photos, all at once: the benchmark's own process times messages meanwhile, which its uploads would delay.
// Arguments: the address of uploads, the Authorization header, the number of photos, and the file of one. It says when it is
// ready, begins with the first line that it is sent, and ends with an error if an upload is refused.
import { setPriority } from "node:os";

const [url = "", authorization = "", count = "", path = ""] = process.argv.slice(2);

// Bytes behind the end make each another file, and are dropped with its metadata.
const photo = await Bun.file(path).bytes();
const photos = Array.from(
  { length: Number(count) },
  () => new Uint8Array(Buffer.concat([photo, crypto.getRandomValues(new Uint8Array(8))])),
);
// In reality it is other machines that send them.
setPriority(19);
const lines = console[Symbol.asyncIterator]();
console.log("ready");
await lines.next();
await Promise.all(
  photos.map(async (body) => {
    const response = await fetch(url, { method: "POST", headers: { authorization }, body });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  }),
);
console.log("done");
process.exit();
