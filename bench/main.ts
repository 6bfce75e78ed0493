import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { row } from "./measure.ts";
import type { Figure } from "./measure.ts";

// npm run bench [NAME...]: prints each figure beside its limit or peer, measured in the same run.

const BENCHES: Record<string, () => Promise<Figure[]>> = {
  gate: async () => (await import("./gate.ts")).gateFigures(),
  shim: async () => (await import("./shim.ts")).shimFigures(),
  checkout: async () => (await import("./checkout.ts")).checkoutFigures(),
  sandbox: async () => (await import("./sandbox.ts")).sandboxFigures(),
  turnaround: async () => (await import("./turnaround.ts")).turnaroundFigures(),
  pipeline: async () => (await import("./pipeline.ts")).pipelineFigures(),
  cli: async () => (await import("./cli.ts")).cliFigures(),
  api: async () => (await import("./api.ts")).apiFigures(),
};

const { positionals } = parseArgs({ allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0)
  throw new Error(`no such benchmark: ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}`);

console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`,
);
console.log("| what | measured | limit or peer | ratio | target | met |\n|---|---|---|---|---|---|");
for (const name of names) for (const figure of (await BENCHES[name]?.()) ?? []) console.log(row(figure));
