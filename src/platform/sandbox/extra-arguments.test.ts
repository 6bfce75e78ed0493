import assert from "node:assert/strict";
import { test } from "node:test";
import { requireExtraArguments } from "./extra-arguments.ts";

test("whole options that a person may add are accepted", () => {
  for (const args of [[], ["--dev-bind", "/dev/kvm", "/dev/kvm"], ["--setenv", "A", "--", "--unshare-net"]]) {
    requireExtraArguments(args);
  }
});

test("what would end the options, open the sandbox or need a descriptor is refused", () => {
  const refused = [
    ["--"],
    ["sh"],
    ["--bind", "/a"],
    ["--bind", "/a", "/b", "sh"],
    ["--setenv", "A", "b\0"],
    ["--cap-add", "ALL"],
    ["--share-net"],
    ["--args", "0"],
    ["--userns", "5"],
    ["--chdir", "/"],
    ["--unshare-user-try"],
    ["__proto__", "a"],
    ["toString"],
  ];
  for (const args of refused) {
    assert.throws(() => requireExtraArguments(args), { code: "config_invalid" }, args.join(" "));
  }
});
