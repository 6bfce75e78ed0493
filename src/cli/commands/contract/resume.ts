import { contractAction } from "./action.ts";

export const contractResumeCommand = contractAction({
  route: "resumeContract",
  details: "Its paused tasks go on, and its pending ones may start.",
  example: ["makima contract resume 3f2a91bc", "Let it go on"],
  done: "Resumed",
});
