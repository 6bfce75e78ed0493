import { readFile } from "node:fs/promises";
import type { Step } from "./script.ts";
import { startScriptedModel } from "./server.ts";

// node test/scripted-model/main.ts script.json: serves {"turns": [[step, ...], ...]}, prints its URL, ends on a signal.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: node test/scripted-model/main.ts SCRIPT.json");
const script = JSON.parse(await readFile(path, "utf8")) as { turns: Step[][] };
const model = await startScriptedModel(script);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void model[Symbol.asyncDispose]());
}
console.log(model.url);
