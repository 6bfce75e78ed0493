import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultAgent, defaultConfig } from "./config.ts";
import { effective } from "./effective.ts";
import { fieldName, SECTIONS } from "./schema.ts";

const config = defaultConfig();
const tables: Record<keyof typeof SECTIONS, object> = { ...config, agents: defaultAgent("claude") };

test("every key has a description and a unit", () => {
  for (const [section, shape] of Object.entries(SECTIONS)) {
    for (const [key, schema] of Object.entries(shape)) {
      const { description = "", unit = "" } = schema.meta() ?? {};
      assert.match(description, /^[A-Z].*\.$/, `${section}.${key}: a sentence`);
      assert.notEqual(unit, "", `${section}.${key}: a unit`);
    }
  }
});

test("keys of the schema and fields of Config are the same, section by section", () => {
  for (const section of Object.keys(tables) as (keyof typeof SECTIONS)[]) {
    const fields = Object.keys(SECTIONS[section]).map((key) => fieldName(section, key));
    assert.deepEqual(fields.toSorted(), Object.keys(tables[section]).toSorted(), section);
  }
});

test("every default that is set is accepted by the schema, as it would stand in the file", () => {
  for (const { key, value } of effective({ config, sources: new Map() })) {
    if (value === null) continue;
    const section = key.split(".")[0] as keyof typeof SECTIONS;
    const schema = SECTIONS[section][key.split(".").at(-1) ?? ""];
    assert.ok(schema?.safeParse(value).success, `${key} = ${JSON.stringify(value)}`);
  }
});

test("effective values show durations as text, sources, and no value of an agent's env", () => {
  const claude = { ...defaultAgent("claude"), env: { TOKEN: "secret" } };
  const values = effective({
    config: { ...config, agents: { claude } },
    sources: new Map([["log.level", "c.toml:2"]]),
  });
  const of = (key: string) => values.find((value) => value.key === key);
  assert.deepEqual(of("loop.idleTimeout"), { key: "loop.idleTimeout", value: "15m", source: "default" });
  assert.equal(of("log.level")?.source, "c.toml:2");
  assert.deepEqual(of("agents.claude.env")?.value, { TOKEN: "(set)" });
  assert.doesNotMatch(JSON.stringify(values), /secret/);
});
