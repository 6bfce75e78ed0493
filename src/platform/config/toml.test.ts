import assert from "node:assert/strict";
import { test } from "node:test";
import { parseToml } from "./toml.ts";

const TEXT = `# a comment
top = 1

[loop] # table
a.b = """
[not.a.table]
c = 1
"""
list = [
  1,
]
inline = { x = 1 }
[[checks]]
command = "one"
[[checks]]
command = "two"
`;

test("lines of keys, whatever the form of the statement", () => {
  const { lineOf } = parseToml(TEXT, "x.toml");
  const cases: [PropertyKey[], number][] = [
    [["top"], 2],
    [["loop"], 4],
    [["loop", "a", "b"], 5],
    [["loop", "list", 0], 9],
    [["loop", "inline", "x"], 12],
    [["checks", 0, "command"], 14],
    [["checks", 1, "command"], 16],
    [["checks", 1, "absent"], 15],
    [["not", "a", "table"], 1],
  ];
  for (const [path, line] of cases) assert.equal(lineOf(path), line, path.join("."));
});
