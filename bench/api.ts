import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Servers } from "./api-servers.ts";
import { median, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";

const CONNECTIONS = 16;
/** Of each connection in one round. */
const REQUESTS = 250;
const ROUNDS = 15;

const script = fileURLToPath(new URL("./api-servers.ts", import.meta.url));

/** Reading a task through the whole stack (key, scope, limits, schemas, database) against fastify answering from memory. */
export async function apiFigures(): Promise<Figure[]> {
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { key, makima, bare } = JSON.parse(line) as Servers;
  const rates = { makima: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.makima.push(await rate(makima, key));
    rates.bare.push(await rate(bare, key));
  }
  child.stdin.end();
  await exited;
  // The first rounds warm the process up.
  const [measured, peer] = [rates.makima, rates.bare].map((all) => median(all.slice(ROUNDS / 3)));
  const ratio = (measured ?? 0) / (peer ?? 1);
  return [
    {
      what: "API read, a task in detail, again and again",
      measured: `${Math.round(measured ?? 0).toLocaleString("en")} requests/s`,
      peer: `bare fastify route, same JSON ${Math.round(peer ?? 0).toLocaleString("en")} requests/s`,
      ratio,
      target: ">= 0.6x",
      met: ratio >= 0.6,
    },
  ];
}

/** Requests per second over all connections. */
async function rate(server: { port: number; path: string }, key: string): Promise<number> {
  const ms = await timed(() => Promise.all(Array.from({ length: CONNECTIONS }, () => askOften(server, key))));
  return (CONNECTIONS * REQUESTS * 1000) / ms;
}

/** One request after the other. A client that parsed the answers would cost more than what it measures. */
async function askOften({ port, path }: { port: number; path: string }, key: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\n\r\n`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let answered = 0;
  let left = 0;
  socket.on("data", (data: Buffer) => {
    left = left === 0 ? lengthOf(data) - data.length : left - data.length;
    if (left > 0) return;
    answered += 1;
    if (answered === REQUESTS) resolve();
    else socket.write(request);
  });
  socket.on("error", reject);
  socket.write(request);
  await promise;
  socket.destroy();
}

/** Bytes of an answer, of which the head is here. */
function lengthOf(data: Buffer): number {
  const head = data.subarray(0, data.indexOf("\r\n\r\n") + 4);
  const length = /^HTTP\/1\.1 200 .*content-length: (\d+)/is.exec(head.toString("latin1"))?.[1];
  if (length === undefined) throw new Error(`not answered: ${data.toString("utf8")}`);
  return head.length + Number(length);
}
