import type { FastifyInstance } from "fastify";
import { MakimaError } from "../core/errors.ts";
import { isErrno } from "../platform/files.ts";

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Throws `config_invalid` for an address that other machines could reach. */
export function requireLoopback(host: string): void {
  if (LOOPBACK.test(host)) return;
  throw new MakimaError("config_invalid", `The server cannot listen on ${host}: it is not a loopback address`, {
    hint: "Listen on 127.0.0.1 and put a proxy with TLS in front of it.",
  });
}

/** Listens, and returns the server's origin. Throws `port_taken`, or `forbidden` for a port that needs privileges. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if (isErrno(error, "EADDRINUSE")) throw new MakimaError("port_taken", `Port ${port} on ${host} is taken`);
    if (isErrno(error, "EACCES")) throw new MakimaError("forbidden", `Not allowed to listen on port ${port}`);
    throw error;
  }
}
