import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPath, EVENTS, isStreamName, iterationPath } from "./streams.ts";
import { decodeStreamData, encodeStreamData, parseStreamTopic, streamTopic } from "./topics.ts";

const index = fc.integer({ min: 1, max: 10_000 });
const number = fc.integer({ min: 1, max: 100 });

describe("the name of a stream", () => {
  it("is one for the journal, and for the output of every iteration and check", () => {
    assert.ok(isStreamName(EVENTS));
    fc.assert(
      fc.property(index, number, fc.constantFrom("out", "err"), (iteration, check, kind) => {
        assert.ok(isStreamName(`${iterationPath(iteration)}/${kind}`));
        assert.ok(isStreamName(`${checkPath(iteration, check)}/${kind}`));
        assert.ok(isStreamName(`${checkPath(null, check)}/${kind}`));
      }),
    );
  });

  it("is different for different processes", () => {
    fc.assert(
      fc.property(fc.tuple(index, number), fc.tuple(index, number), (one, other) => {
        const same = one[0] === other[0] && one[1] === other[1];
        assert.equal(checkPath(...one) === checkPath(...other), same);
      }),
    );
  });

  it("is nothing else: no other file of a run, and no way out of its directory", () => {
    const others = [
      "",
      "events ",
      "events\n",
      "spec.json",
      "iterations/0001/pid",
      "iterations/1/out",
      "../events",
      "iterations/../events",
      "iterations/0001/checks/../out",
      "/events",
      "iterations/0001/out/",
      "baseline/out",
    ];
    assert.deepEqual(others.filter(isStreamName), []);
  });
});

describe("the topic of a stream", () => {
  it("comes apart into run and stream", () => {
    assert.deepEqual(parseStreamTopic(streamTopic("r", "iterations/0001/out")), {
      runId: "r",
      stream: "iterations/0001/out",
    });
    for (const topic of ["events", "run/", "run//events", "run/r", "run/r/", "x/run/r/events"]) {
      assert.equal(parseStreamTopic(topic), null, topic);
    }
  });

  it("has data that come back as they were, at any offset", () => {
    const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(id, fc.maxSafeNat(), fc.uint8Array({ maxLength: 1_000 }), (subscription, offset, data) => {
        const frame = new Uint8Array([9, ...encodeStreamData(subscription, offset, data)]).subarray(1);
        const decoded = decodeStreamData(frame);
        assert.deepEqual({ ...decoded, data: new Uint8Array(decoded.data) }, { id: subscription, offset, data });
      }),
    );
  });
});
