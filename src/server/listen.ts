import type { FastifyInstance } from "fastify";
import { MakimaError } from "../core/errors.ts";
import type { Config } from "../platform/config/config.ts";
import { isErrno } from "../platform/files.ts";

export type ListenOptions = Config["server"];

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Throws `config_invalid` for an address that keys would travel to in clear text, and for half a configuration. */
export function requireSafeAddress({ host, tlsCert, tlsKey, behindProxy, publicUrl }: ListenOptions): void {
  if ((tlsCert === null) !== (tlsKey === null)) {
    throw new MakimaError("config_invalid", "server.tlsCert and server.tlsKey belong together", {
      hint: "Name the certificate and its private key, or neither.",
    });
  }
  if (behindProxy && publicUrl === null) {
    throw new MakimaError("config_invalid", "Behind a proxy the server must know the address that people use", {
      hint: 'Set server.publicUrl, for example "https://makima.example.com".',
    });
  }
  if (LOOPBACK.test(host) || tlsCert !== null || behindProxy) return;
  throw new MakimaError("config_invalid", `Keys would travel to ${host} in clear text: it is not a loopback address`, {
    hint: "Set server.tlsCert and server.tlsKey, or server.behindProxy where a proxy speaks TLS for the server.",
  });
}

/** Listens, and returns the server's origin. Throws `port_taken`, or `forbidden` for a port that needs privileges. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if (isErrno(error, "EADDRINUSE")) throw new MakimaError("port_taken", `Port ${port} on ${host} is taken`);
    if (isErrno(error, "EACCES")) throw new MakimaError("forbidden", `Not allowed to listen on port ${port}`);
    if (isErrno(error, "EADDRNOTAVAIL")) {
      throw new MakimaError("config_invalid", `${host} is not an address of this machine`);
    }
    throw error;
  }
}
