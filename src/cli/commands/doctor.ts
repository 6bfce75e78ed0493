import { resolve } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { defineCommand, flag, text } from "../command.ts";
import { readConfig } from "../connect.ts";
import type { Context } from "../context.ts";
import { broken, diagnose } from "../doctor/checks.ts";
import type { Finding } from "../doctor/checks.ts";
import { printSandbox } from "../doctor/sandbox.ts";
import { inline, table } from "../format.ts";

export const doctorCommand = defineCommand({
  details: "Changes nothing, and starts nothing. Exits with 1 when something is broken.",
  arguments: [],
  options: {
    config: flag("--config", "Print every setting with its value and where it comes from"),
    sandbox: flag("--sandbox", "Print how a sandbox is started for a repository, as one could paste it into a shell"),
    repo: text("--repo <dir>", "Repository for --sandbox (default: the one of this directory)"),
    server: text("--server <url>", "Server to use instead of the local one (its key: MAKIMA_API_KEY)"),
  },
  examples: [
    ["makima doctor", "Find out why something does not work"],
    ["makima doctor --config", "See which settings hold, and why"],
    ["makima doctor --sandbox", "See what a sandboxed task could see and write"],
  ],
  async run(context, { options }) {
    if (options.config && options.sandbox) {
      throw new MakimaError("usage", "--config and --sandbox exclude each other", { hint: "Give one of them." });
    }
    if (options.config) return printConfig(context, await readConfig(context, { config: null }));
    if (options.sandbox) {
      const dir = resolve(context.cwd, options.repo ?? ".");
      return printSandbox(context, await readConfig(context, { config: null }), dir);
    }
    if (options.repo !== null)
      throw new MakimaError("usage", "--repo is for --sandbox", { hint: "Give both, or none." });
    const findings = await examine(context, options.server);
    const healthy = findings.every(({ state }) => state !== "broken");
    context.output.document({ healthy, checks: findings });
    for (const finding of findings) tell(context, finding);
    return healthy ? 0 : 1;
  },
});

/** With a configuration that cannot be read nothing else means anything. */
async function examine(context: Context, server: string | null): Promise<Finding[]> {
  let loaded: LoadedConfig;
  try {
    loaded = await readConfig(context, { config: null });
  } catch (error) {
    if (error instanceof MakimaError && error.code === "config_invalid") return [broken("configuration", error)];
    throw error;
  }
  return diagnose(context, loaded, server);
}

function tell({ output }: Context, { name, state, detail, fix }: Finding): void {
  const [colour, mark] = MARK[state];
  output.line(`${output.style(colour, mark)} ${name}: ${inline(detail)}`);
  if (fix !== null) output.line(`  ${inline(fix)}`);
}

const MARK = { ok: ["green", "✔"], note: ["yellow", "!"], broken: ["red", "✘"] } as const;

async function printConfig({ output }: Context, loaded: LoadedConfig): Promise<number> {
  // Loads the schema, which no other use of doctor needs.
  const { effective } = await import("../../platform/config/effective.ts");
  const values = effective(loaded);
  output.document({ file: loaded.file, home: loaded.home, values });
  const rows = values.map(({ key, value, source }) => [key, inline(source), JSON.stringify(value)]);
  for (const line of table(rows)) output.line(line);
  return 0;
}
