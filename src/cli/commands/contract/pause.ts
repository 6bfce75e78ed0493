import { contractAction } from "./action.ts";

export const contractPauseCommand = contractAction({
  route: "pauseContract",
  details: "Its running tasks are paused, and its pending ones stay pending until `makima contract resume`.",
  example: ["makima contract pause 3f2a91bc", "Let nothing of it run for now"],
  done: "Paused",
});
