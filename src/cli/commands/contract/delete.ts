import { contractAction } from "./action.ts";

export const contractDeleteCommand = contractAction({
  route: "deleteContract",
  details:
    "Its worktrees go, on each machine when that is next online; what is in no branch is kept, see " +
    "`makima worktree list --salvaged`. Branches stay.",
  example: ["makima contract delete 3f2a91bc", "Stop its tasks, remove their worktrees, and forget it"],
  done: "Deleted",
});
