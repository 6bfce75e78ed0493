import { parse } from "smol-toml";
import type { z } from "zod";
import { sectionNames, SECTIONS, tablePaths } from "./schema.ts";
import { variableName } from "./variables.ts";

/** A key that an environment variable can set: MAKIMA_<SECTION>_<KEY>, with a word for each part of the section's name. */
export interface ConfigVariable {
  variable: string;
  path: readonly string[];
  schema: z.ZodType;
}

/** Every variable that can set a key, for the agents of these names. */
export function configVariables(agents: readonly string[]): ConfigVariable[] {
  return sectionNames().flatMap((section) =>
    tablePaths(section, agents).flatMap((table) =>
      Object.entries(SECTIONS[section]).map(([key, schema]) => {
        const path = [...table, key];
        return { variable: variableName(path), path, schema };
      }),
    ),
  );
}

/**
 * What a variable's text means to `schema`: a TOML value (`5`, `true`, `["a", "b"]`), the text itself, or a list parted by
 * commas: the first that fits, else the text for the schema to refuse.
 */
export function readVariable(text: string, schema: z.ZodType): unknown {
  const meanings = [tomlValue(text), text, text.split(",").map((part) => part.trim())];
  const fitting = meanings.find((meaning) => meaning !== undefined && schema.safeParse(meaning).success);
  return fitting ?? tomlValue(text) ?? text;
}

function tomlValue(text: string): unknown {
  try {
    return parse(`value = ${text}`).value;
  } catch {
    return undefined;
  }
}
