import { messageCommandOf } from "../tasks/message.ts";

export const messageCommand = messageCommandOf({ command: "makima message", watch: "makima logs -f" });
