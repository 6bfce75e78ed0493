import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { reportFailure } from "./failure.ts";
import { Output } from "./output.ts";

test("a full disk is said in words, and is no defect", () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    const stderr = new PassThrough();
    const thrown = Object.assign(new Error(`${code}: no room, write`), { code });
    assert.equal(reportFailure(new Output(new PassThrough(), stderr, false), thrown), 6);
    assert.match(
      String(stderr.read()),
      new RegExp(`^makima: The disk is full \\(${code}\\)\nhint: Make room [^\n]*\n$`),
    );
  }
});
