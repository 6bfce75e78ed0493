import { contractAction } from "./action.ts";

export const contractDeleteCommand = contractAction({
  route: "deleteContract",
  details: "Its live tasks are stopped first. Branches stay.",
  example: ["makima contract delete 3f2a91bc", "Stop and forget it"],
  done: "Deleted",
});
