import assert from "node:assert/strict";
import { test } from "node:test";
import { MakimaError } from "../core/errors.ts";
import { choice, dollars, duration, flag, integer, labels, list } from "./command.ts";

function refused(parse: () => unknown): void {
  assert.throws(parse, (error) => error instanceof MakimaError && error.code === "usage");
}

test("durations are milliseconds", () => {
  const { parse } = duration("--timeout <duration>", "");
  assert.deepEqual(
    ["90s", "1h30m", "250ms"].map((text) => parse?.(text, null)),
    [90_000, 5_400_000, 250],
  );
  for (const text of ["", "5", "0s", "-1m", "1m1h", "soon"]) refused(() => parse?.(text, null));
});

test("whole numbers have bounds", () => {
  const { parse } = integer("--port <n>", "", 0, 65_535);
  assert.deepEqual(
    ["0", "65535"].map((text) => parse?.(text, null)),
    [0, 65_535],
  );
  for (const text of ["", "1.5", "65536", "-1", "1e3", "0x10", " 7"]) refused(() => parse?.(text, null));
});

test("amounts of money are above zero", () => {
  const { parse } = dollars("--budget <usd>", "");
  assert.deepEqual(
    ["2", "0.5", "$3.25"].map((text) => parse?.(text, null)),
    [2, 0.5, 3.25],
  );
  for (const text of ["", "0", "-1", "1,5", "NaN", "5$"]) refused(() => parse?.(text, null));
});

test("lists grow, and a negated flag is on until it is given", () => {
  const { parse, initial } = list("--check <command>", "");
  assert.deepEqual(parse?.("b", parse("a", initial)), ["a", "b"]);
  assert.deepEqual([flag("--detach", "").initial, flag("--no-loop", "").initial], [false, true]);
});

test("a choice is one of its words", () => {
  const { parse } = choice("--kind <kind>", "", ["user", "daemon"]);
  assert.equal(parse?.("daemon", null), "daemon");
  for (const text of ["", "User", "task"]) refused(() => parse?.(text, null));
});

test("labels grow, and their values may hold an equals sign", () => {
  const { parse, initial } = labels("--label <name=value>", "");
  assert.deepEqual(parse?.("os=a=b", parse("gpu=yes", initial)), { gpu: "yes", os: "a=b" });
  for (const text of ["", "gpu", "=yes", "gpu="]) refused(() => parse?.(text, {}));
});
