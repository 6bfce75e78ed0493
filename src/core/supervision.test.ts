import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TOLD } from "./supervision.ts";

const id = "01890a5d-ac96-774b-bcce-b302099a8057";
const ended = { id, name: "Parser", reason: "it does not build", branch: "makima/one/parser" };

test("an end is told with what there is to do about it", () => {
  assert.equal(
    TOLD.taskEnded({ ...ended, status: "completed" }),
    'Task "Parser" (099a8057) is completed. Its branch is makima/one/parser. `makima supervisor task 099a8057` shows more, ' +
      "`makima supervisor diff 099a8057` its changes.",
  );
  assert.equal(
    TOLD.taskEnded({ ...ended, status: "failed" }),
    'Task "Parser" (099a8057) has failed. Reason: "it does not build". `makima supervisor task 099a8057` shows more; ' +
      "`makima supervisor resume 099a8057` gives it another run.",
  );
  assert.match(TOLD.taskEnded({ ...ended, status: "cancelled", reason: null }), / was cancelled\. `makima/);
});

test("a question and its answer are told word for word, a long answer with where the rest is", () => {
  assert.match(TOLD.taskAsks(ended, { id, text: "Which\nport?" }), /asks a person: "Which port\?"/);
  const question = { id, text: "Which port?" };
  assert.equal(
    TOLD.answered({ ...question, answer: "7420\n" }),
    'To your question "Which port?" a person answers: 7420',
  );
  assert.match(
    TOLD.answered({ ...question, answer: "a".repeat(9_000) }),
    /a… \(`makima question show 099a8057` has all/,
  );
});

test("whatever names, reasons and answers hold, what is told is one bounded paragraph", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", size: "+2" }), fc.nat(40), (text, times) => {
      const long = text.repeat(times);
      for (const told of [
        TOLD.taskEnded({ ...ended, name: long, reason: long, status: "failed" }),
        TOLD.taskAsks({ id, name: long }, { id, text: long }),
        TOLD.answered({ id, text: long, answer: long }),
        TOLD.nothingLeft(),
      ]) {
        assert.ok(told.length < 6_000);
        assert.doesNotMatch(told, /[\n\r\u001b]/);
      }
    }),
  );
});
