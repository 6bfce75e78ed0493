import { type Config, defaultConfig } from "../../src/platform/config/config.ts";
import { effective } from "../../src/platform/config/effective.ts";
import { sectionDescription, sectionNames, SECTIONS } from "../../src/platform/config/schema.ts";

/** Every key of the configuration file, section by section; `heading` is the marks of a section's title. */
export function configurationReference(heading: "##" | "###"): string {
  const defaults = defaultConfig();
  const config: Config = { ...defaults, daemon: { ...defaults.daemon, name: "<host name>" } };
  const values = new Map(effective({ config, sources: new Map() }).map(({ key, value }) => [key, value]));
  return sectionNames()
    .map((section) => {
      const prefix = section === "agents" ? "agents.claude" : section;
      const rows = Object.entries(SECTIONS[section]).map(([key, schema]) => {
        const { unit = "", description = "" } = schema.meta() ?? {};
        return `| \`${key}\` | ${defaultText(values.get(`${prefix}.${key}`))} | ${unit} | ${description} |`;
      });
      const title = section === "agents" ? "[agents.&lt;name&gt;] (defaults of `claude`)" : `[${section}]`;
      const table = ["| key | default | unit | meaning |", "|---|---|---|---|", ...rows, ""];
      return [`${heading} ${title}`, "", sectionDescription(section), "", ...table].join("\n");
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
