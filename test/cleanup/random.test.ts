import { test } from "node:test";
import { bubblewrapHere } from "../../src/platform/sandbox/fixtures/bwrap.ts";
import { runSequences } from "./sequences.ts";

const { missing } = await bubblewrapHere();

test("whatever is done to a worktree, its removal loses nothing and leaves nothing", () => {
  return runSequences({ count: 10, kinds: ["worktree"] });
});

test("whatever is done to a clone, its removal loses nothing and leaves nothing", { skip: missing }, () => {
  return runSequences({ count: 6, kinds: ["clone"] });
});
