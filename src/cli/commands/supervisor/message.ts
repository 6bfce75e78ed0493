import { messageCommandOf } from "../../tasks/message.ts";

export const supervisorMessageCommand = messageCommandOf({
  command: "makima supervisor message",
  watch: "makima supervisor output --text -f",
});
