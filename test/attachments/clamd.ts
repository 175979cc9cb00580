// ClamAV's daemon with a database of one signature, and a scripted daemon that answers what a test says.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeFolder } from "../world/folder.ts";

/** The file by which scanners are tested (https://www.eicar.org), in two parts, so that no scanner takes this file for it. */
export const eicar = [
  "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR",
  "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
].join("");

export const hasClamd = Bun.which("clamd") !== null;

/** Starts the real daemon at a socket of the file system. */
export async function startClamd({ streamMax = "25M" } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-clamd-"));
  const path = join(folder, "clamd.sock");
  mkdirSync(join(folder, "database"));
  const md5 = new Bun.CryptoHasher("md5").update(eicar).digest("hex");
  writeFileSync(join(folder, "database/test.hdb"), `${md5}:${eicar.length}:Eicar-Test-Signature\n`);
  const settings = [
    "Foreground yes",
    `LocalSocket ${path}`,
    `DatabaseDirectory ${join(folder, "database")}`,
    `StreamMaxLength ${streamMax}`,
    "SelfCheck 0",
  ];
  writeFileSync(join(folder, "clamd.conf"), `${settings.join("\n")}\n`);
  // It must not outlive a run of the tests that is killed.
  const guard = Bun.which("setpriv") ? ["setpriv", "--pdeathsig", "KILL"] : [];
  const daemon = Bun.spawn([...guard, "clamd", "--config-file", join(folder, "clamd.conf")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  while (!(await canConnect(path))) {
    if (daemon.exitCode !== null) throw new Error(`clamd ended with ${daemon.exitCode}`);
    await Bun.sleep(20);
  }
  return {
    url: `unix://${path}`,
    async stop() {
      daemon.kill();
      await daemon.exited;
      removeFolder(folder);
    },
  };
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** The behaviour of a scripted daemon on a connection: an answer once the file is whole, or something else at once. */
export type Script = { answer: string } | ((socket: Socket) => void);

/** Starts a daemon that speaks INSTREAM by TCP. */
export async function startScriptedDaemon() {
  let script: Script = { answer: "stream: OK\0" };
  const received: Buffer[] = [];
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    if (typeof script === "function") return script(socket);
    const { answer } = script;
    let bytes = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      bytes = Buffer.concat([bytes, data]);
      const file = wholeFile(bytes);
      if (!file) return;
      received.push(file);
      socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return {
    url: `tcp://127.0.0.1:${address.port}`,
    /** The files that were sent, whole. */
    received,
    does: (next: Script) => void (script = next),
    stop: () => server.close(),
  };
}

/** The bytes of the pieces of a stream; undefined before its end. */
function wholeFile(bytes: Buffer): Buffer | undefined {
  const command = "zINSTREAM\0";
  const pieces: Buffer[] = [];
  if (bytes.toString("latin1", 0, command.length) !== command) return undefined;
  for (let at = command.length; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (length === 0) return Buffer.concat(pieces);
    if (at + 4 + length > bytes.length) return undefined;
    pieces.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}
