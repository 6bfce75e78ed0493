import assert from "node:assert/strict";
import { test } from "node:test";
import { learnSecrets } from "../../platform/redact/secrets.ts";
import { decodeEvent, encodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** A password that is also a word of events, a session, and part of a path. */
const SECRET = "continue";

const gate = {
  ready: false,
  reason: `the password is ${SECRET}`,
  progress: SECRET,
  blockers: ["none", `${SECRET}!`],
  extra: { deep: [{ er: SECRET }] },
};

const verdict: RunEvent = {
  type: "verdict",
  at: 1,
  index: 1,
  verdict: "continue",
  reason: `login failed: ${SECRET}`,
  sessionId: SECRET,
  gate,
  changed: true,
  error: Buffer.from(`user:${SECRET}:`).toString("base64"),
  uncounted: false,
  refused: false,
  errorCode: null,
  tree: "t",
  head: "h",
  costUsd: 0,
  durationMs: 1,
  tampering: [{ kind: "test-deleted", path: `src/${SECRET}.ts`, detail: `see ${SECRET}` }],
  breaker: { state: "open", reason: SECRET },
  nextPrompt: `say ${SECRET}`,
  model: SECRET,
};

test("words lose their secrets, and what a run goes on by stays, even where it looks like one", () => {
  learnSecrets([SECRET]);
  const cleaned = withoutSecrets(verdict);
  assert.deepEqual(decodeEvent(encodeEvent(cleaned)), {
    ...verdict,
    reason: "login failed: ***",
    gate: {
      ready: false,
      reason: "the password is ***",
      progress: "***",
      blockers: ["none", "***!"],
      extra: { deep: [{ er: "***" }] },
    },
    error: cleaned.type === "verdict" ? cleaned.error : null,
    tampering: [{ kind: "test-deleted", path: "src/continue.ts", detail: "see ***" }],
    breaker: { state: "open", reason: "***" },
    nextPrompt: "say ***",
  });
  assert.match(cleaned.type === "verdict" ? String(cleaned.error) : "", /^.{6,9}\*\*\*.{0,4}$/);
});
