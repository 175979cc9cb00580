// A small DNS server: it knows one list of addresses for every name, as Docker's does for the containers of a service.
import { createSocket } from "node:dgram";

const answerTtlSeconds = 1;

/** @returns its port on 127.0.0.1 */
export async function startNameServer(addresses: () => readonly string[]) {
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => {
    socket.send(answer(question, addresses()), port, address);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.bind(0, "127.0.0.1", resolve);
  await promise;
  return { port: socket.address().port, stop: () => void socket.close() };
}

/** The question with an A record for each address (RFC 1035, 4.1). */
function answer(question: Buffer, addresses: readonly string[]): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2); // an answer without an error
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc00c, 0); // the name of the question
    record.writeUInt16BE(1, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(answerTtlSeconds, 6);
    record.writeUInt16BE(4, 10);
    record.set(address.split(".").map(Number), 12);
    return record;
  });
  return Buffer.concat([head, question.subarray(12, end), ...records]);
}
