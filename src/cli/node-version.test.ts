import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { requireNode } from "./node-version.ts";

test("a Node that is too old is refused in words", () => {
  assert.throws(() => requireNode("20.20.2"), {
    code: "unavailable",
    message: /^This is Node 20\.20\.2, .* Node 24 or newer$/,
  });
  requireNode("24.0.0");
  requireNode("100.1.0");
});

test("the oldest Node is the one that package.json names", () => {
  const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    engines: { node: string };
  };
  const [oldest] = /\d+/.exec(engines.node) ?? [];
  requireNode(`${oldest}.0.0`);
  assert.throws(() => requireNode(`${Number(oldest) - 1}.99.0`), { code: "unavailable" });
});
