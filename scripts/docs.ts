/**
 * Writes the generated parts of the documentation: `npm run docs`. With `--check` it writes nothing and fails when a file
 * is not what would be written.
 */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Config, defaultConfig } from "../src/platform/config/config.ts";
import { effective } from "../src/platform/config/effective.ts";
import { ConfigFile, SECTIONS } from "../src/platform/config/schema.ts";

const ROOT = dirname(import.meta.dirname);
const GENERATED = /(<!-- generated: begin .*-->\n)[^]*(<!-- generated: end -->)/;

/** File -> text between its two marks. */
const DOCUMENTS: Record<string, () => string> = {
  "docs/configuration.md": configurationReference,
};

const stale: string[] = [];
for (const [file, generate] of Object.entries(DOCUMENTS)) {
  const path = join(ROOT, file);
  const current = await readFile(path, "utf8");
  if (!GENERATED.test(current)) throw new Error(`${file} has lost its marks of the generated part`);
  const fresh = current.replace(GENERATED, (_, begin: string, end: string) => `${begin}\n${generate()}\n${end}`);
  if (fresh === current) continue;
  if (process.argv.includes("--check")) stale.push(file);
  else await writeFile(path, fresh);
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(", ")}. Run: npm run docs`);
  process.exitCode = 1;
}

function configurationReference(): string {
  const defaults = defaultConfig();
  const config: Config = { ...defaults, daemon: { ...defaults.daemon, name: "<host name>" } };
  const values = new Map(effective({ config, sources: new Map() }).map(({ key, value }) => [key, value]));
  return Object.entries(SECTIONS)
    .map(([section, shape]) => {
      const prefix = section === "agents" ? "agents.claude" : section;
      const rows = Object.entries(shape).map(([key, schema]) => {
        const { unit = "", description = "" } = schema.meta() ?? {};
        return `| \`${key}\` | ${defaultText(values.get(`${prefix}.${key}`))} | ${unit} | ${description} |`;
      });
      const title = section === "agents" ? "[agents.&lt;name&gt;] (defaults of `claude`)" : `[${section}]`;
      const about = ConfigFile.shape[section as keyof ConfigFile].meta()?.description ?? "";
      return [
        `## ${title}`,
        "",
        about,
        "",
        "| key | default | unit | meaning |",
        "|---|---|---|---|",
        ...rows,
        "",
      ].join("\n");
    })
    .join("\n");
}

/** A value as it would stand in the file. */
function defaultText(value: unknown): string {
  if (value === null) return "not set";
  return Array.isArray(value) && value.length > 3
    ? value.map((item) => `\`${item}\``).join(" ")
    : `\`${JSON.stringify(value)}\``;
}
