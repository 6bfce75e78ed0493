import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultAgent, defaultConfig } from "./config.ts";
import { effective } from "./effective.ts";
import { fieldName, sectionDescription, sectionNames, SECTIONS, tablePaths } from "./schema.ts";
import { tableAt } from "./toml.ts";

const config = defaultConfig();

test("every key has a description and a unit", () => {
  for (const section of sectionNames()) {
    assert.match(sectionDescription(section), /^[A-Z].*\.$/, `${section}: a sentence`);
    for (const [key, schema] of Object.entries(SECTIONS[section])) {
      const { description = "", unit = "" } = schema.meta() ?? {};
      assert.match(description, /^[A-Z].*\.$/, `${section}.${key}: a sentence`);
      assert.notEqual(unit, "", `${section}.${key}: a unit`);
    }
  }
});

test("keys of the schema and fields of Config are the same, section by section", () => {
  for (const section of sectionNames()) {
    const inner = sectionNames().filter((name) => name.startsWith(`${section}.`));
    const keys = Object.keys(SECTIONS[section]).map((key) => fieldName(section, key));
    const names = [...keys, ...inner.map((name) => name.slice(section.length + 1))];
    for (const path of tablePaths(section, ["claude"])) {
      assert.deepEqual(names.toSorted(), Object.keys(tableAt(config, path)).toSorted(), section);
    }
  }
});

test("every default that is set is accepted by the schema, as it would stand in the file", () => {
  for (const { key, value } of effective({ config, sources: new Map() })) {
    if (value === null) continue;
    const name = key.slice(key.lastIndexOf(".") + 1);
    const section = sectionNames().find((one) => [one, `${one}.claude`].includes(key.slice(0, -name.length - 1)));
    const schema = section === undefined ? undefined : SECTIONS[section][name];
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
  assert.equal(of("process.bubblewrap.tmpSize")?.value, "2GB");
  assert.equal(of("worktrees.quota")?.value, "20GB");
  assert.deepEqual(of("agents.claude.env")?.value, { TOKEN: "(set)" });
  assert.doesNotMatch(JSON.stringify(values), /secret/);
});

test("a limit that was lifted is shown as it stands in the file, one that was never set as not set", () => {
  const values = effective({
    config: { ...config, worktrees: { ...config.worktrees, quotaBytes: null } },
    sources: new Map(),
  });
  assert.equal(values.find(({ key }) => key === "worktrees.quota")?.value, "none");
  assert.equal(values.find(({ key }) => key === "retention.maxSize")?.value, null);
});
