import { contractAction } from "./action.ts";

export const contractCompleteCommand = contractAction({
  route: "completeContract",
  details: "By your decision, whatever its tasks came to. Refused while one of them is live.",
  example: ["makima contract complete 3f2a91bc", "Its goal is met"],
  done: "Completed",
});
