import { test } from "node:test";
import { bubblewrapHere } from "../../src/platform/sandbox/fixtures/bwrap.ts";
import { runSequences } from "../cleanup/sequences.ts";

const { missing } = await bubblewrapHere();

test("after 1,000 random sequences no file is lost, none left, and nothing else touched: worktrees", () => {
  return runSequences({ count: 600, kinds: ["worktree"] });
});

test(
  "after 1,000 random sequences no file is lost, none left, and nothing else touched: clones",
  { skip: missing },
  () => {
    return runSequences({ count: 400, kinds: ["clone"] });
  },
);
