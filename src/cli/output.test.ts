import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Output } from "./output.ts";

test("text goes to stdout, and progress nowhere, when nobody watches", () => {
  const { output, stdout, stderr, text } = captureOutput();
  output.line("result");
  output.document({ a: 1 });
  output.progress("working");
  assert.equal(text(stdout), "result\n");
  assert.equal(text(stderr), "");
});

test("with --json only documents go to stdout", () => {
  const { output, stdout, stderr, text } = captureOutput({ json: true, terminal: true });
  output.line("result");
  output.document({ a: 1 });
  output.progress("working");
  assert.equal(text(stdout), '{"a":1}\n');
  assert.equal(text(stderr), "working\n");
});

test("the story is told on stdout, or with --json on stderr to a terminal only", () => {
  const plain = captureOutput();
  plain.output.story()?.write("a line\n");
  assert.equal(plain.text(plain.stdout), "a line\n");
  assert.equal(plain.output.story()?.live, false);

  const watched = captureOutput({ json: true, terminal: true });
  watched.output.story()?.write("a line\n");
  assert.equal(watched.text(watched.stderr), "a line\n");
  assert.equal(watched.output.story()?.live, true);

  assert.equal(captureOutput({ json: true }).output.story(), null);
});

test("a reader that goes away ends the output quietly, a full disk does not", () => {
  const gone = captureOutput();
  gone.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  gone.output.line("unheard");
  assert.equal(gone.output.closed.aborted, true);
  assert.equal(gone.output.failure, null);
  assert.equal(gone.text(gone.stdout), "");

  const full = captureOutput();
  full.stdout.emit("error", Object.assign(new Error("no space left"), { code: "ENOSPC" }));
  assert.match(full.output.failure?.message ?? "", /no space/);
});

test("bytes wait for a slow reader", async () => {
  const { output, stdout } = captureOutput();
  const big = Buffer.alloc(1024 * 1024, "z");
  let done = false;
  const writing = output.bytes(big).then(() => (done = true));
  await new Promise(setImmediate);
  assert.equal(done, false);
  stdout.resume();
  await writing;
});

/** An Output on streams that a test can read, as if on a terminal or not. */
function captureOutput({ json = false, terminal = false } = {}) {
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal });
  const stderr = Object.assign(new PassThrough(), { isTTY: terminal });
  const text = (stream: PassThrough) => ((stream.read() as Buffer | null) ?? "").toString();
  return { output: new Output(stdout, stderr, json), stdout, stderr, text };
}
