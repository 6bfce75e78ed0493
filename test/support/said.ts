import assert from "node:assert/strict";
import type { Outcome } from "./machine.ts";
import type { Workshop } from "./workshop.ts";

/** What a workshop's commands say, for tests that expect them to go well. */
export interface Said {
  /** Text for people. */
  makima(this: void, ...args: string[]): Promise<string>;
  /** The one document of `--json`. */
  json<T>(this: void, ...args: string[]): Promise<T>;
}

/** `shop` is asked for at each command: it is there only when the tests run. */
export function saidIn(shop: () => Workshop): Said {
  const makima = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await shop().makima(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  return {
    makima,
    json: async <T>(...args: string[]) => JSON.parse(await makima(...args, "--json")) as T,
  };
}

/** Fails unless the command was refused with this exit code, said so on stderr, and printed nothing. */
export function refused({ code, stdout, stderr }: Outcome, exit: number, message: RegExp): void {
  assert.equal(code, exit, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, message);
}
