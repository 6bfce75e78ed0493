import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseUsageLimit, waitUntil } from "./usage-limit.ts";
import type { UsageLimitFacts } from "./usage-limit.ts";

/** Friday, 16:00 in Berlin. */
const NOW = Date.parse("2025-11-21T15:00:00Z");

suite("usage limit: text", () => {
  const texts: [string, string | null][] = [
    ["Claude AI usage limit reached|1763740800", "2025-11-21T16:00:00Z"],
    ["You've hit your limit · resets 7pm (Europe/Berlin)", "2025-11-21T18:00:00Z"],
    ["You've hit your session limit · resets 7:30pm", "2025-11-21T19:30:00Z"],
    ["You've hit your session limit · resets 3pm (Europe/Berlin)", "2025-11-22T14:00:00Z"],
    ["You've hit your session limit · resets 3:55pm (Europe/Berlin)", "2025-11-21T14:55:00Z"],
    ["You've hit your weekly limit · resets Nov 24, 3pm (America/New_York)", "2025-11-24T20:00:00Z"],
    ["You've hit your Opus limit · resets Jan 2, 2027, 12am (UTC)", "2027-01-02T00:00:00Z"],
    ["You've hit your weekly limit · resets Jan 2 at 12:15pm (Asia/Tokyo)", "2026-01-02T03:15:00Z"],
    ["Claude usage limit reached. Your limit will reset at 1am (Etc/GMT+5).", "2025-11-22T06:00:00Z"],
    ["5-hour limit reached ∙ resets 5pm (Etc/Unknown)", "2025-11-21T17:00:00Z"],
    ["5-hour limit reached ∙ resets 17:05", "2025-11-21T17:05:00Z"],
    ["You're out of usage credits · resets 5pm", "2025-11-21T17:00:00Z"],
    ["You've hit your usage limit", null],
    ["You've hit your usage limit · resets 25pm", null],
    ["You've hit your usage limit · resets Foo 3, 3pm", null],
  ];
  for (const [text, until] of texts) {
    test(text, () => {
      const limit = parseUsageLimit(facts({ text }));
      assert.deepEqual(limit, { until: until === null ? null : Date.parse(until), text });
    });
  }

  const others = [
    "API Error: 500 Internal server error",
    "You've hit your monthly spend limit · raise it at claude.ai/settings/usage",
    "Credit balance is too low",
    "The rate limiter now resets at 3pm",
    "Approaching usage limit · resets 3pm",
  ];
  for (const text of others) test(`not: ${text}`, () => assert.equal(parseUsageLimit(facts({ text })), null));

  test("the hour follows the zone's own change of clocks", () => {
    const before = {
      text: "You've hit your limit · resets 9am (Europe/Berlin)",
      now: Date.parse("2026-03-28T22:00:00Z"),
    };
    assert.equal(parseUsageLimit(facts(before))?.until, Date.parse("2026-03-29T07:00:00Z"));
  });
});

suite("usage limit: event", () => {
  const event = { until: 1763740800_000, text: "five_hour" };

  test("the event's time is exact and goes before the text's", () => {
    const text = "You've hit your session limit · resets 9pm";
    assert.deepEqual(parseUsageLimit(facts({ event, text })), { until: event.until, text });
  });

  test("the text's time serves where the event has none", () => {
    const text = "You've hit your session limit · resets 9pm";
    const limit = parseUsageLimit(facts({ event: { ...event, until: null }, text }));
    assert.deepEqual(limit, { until: Date.parse("2025-11-21T21:00:00Z"), text });
  });

  test("the event alone is enough for an agent that failed", () => {
    const limit = parseUsageLimit(facts({ event }));
    assert.deepEqual(limit, { until: event.until, text: "Usage limit reached (five_hour)" });
  });

  test("an agent that did not fail was not limited, whatever it says", () => {
    const text = "You've hit your limit · resets 3pm";
    assert.equal(parseUsageLimit(facts({ event, text, failed: false })), null);
  });

  test("never throws", () => {
    const part = fc.oneof(fc.string(), fc.constantFrom("limit reached", "resets ", "Nov 31, ", "99:99pm", "(X/Y)"));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const limit = parseUsageLimit(facts({ text: parts.join(" ") }));
        assert.ok(limit === null || limit.until === null || Number.isFinite(limit.until));
      }),
    );
  });
});

suite("usage limit: waiting", () => {
  test("waits for the reset and at most a tenth or half a minute longer", () => {
    assert.equal(waitUntil({ until: NOW + 10_000, text: "" }, NOW, 0), NOW + 10_000);
    assert.equal(waitUntil({ until: NOW + 10_000, text: "" }, NOW, 0.5), NOW + 10_500);
    assert.ok(waitUntil({ until: NOW + 1e8, text: "" }, NOW, 0.999) <= NOW + 1e8 + 30_000);
  });

  test("waits a minute for a time that is unknown or past", () => {
    for (const until of [null, NOW, NOW - 5000]) assert.equal(waitUntil({ until, text: "" }, NOW, 0), NOW + 60_000);
  });
});

function facts(given: Partial<UsageLimitFacts>): UsageLimitFacts {
  return { event: null, text: "", failed: true, now: NOW, timeZone: "UTC", ...given };
}
