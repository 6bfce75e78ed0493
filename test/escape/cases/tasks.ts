import { attack } from "../case.ts";
import type { EscapeClass } from "../case.ts";

export const TASKS: EscapeClass = {
  title: "other tasks and makima itself",
  defends: "a task sees and changes nothing of another one, nor what makima believes of either",
  cases: [
    attack("reads another task's checkout", 'cat "$OTHER/a.txt"'),
    attack("writes to another task's checkout", 'echo evil > "$OTHER/a.txt"'),
    attack(
      "plants a hook in another task's checkout",
      'mkdir -p "$OTHER/.git/hooks" && echo evil > "$OTHER/.git/hooks/pre-commit"',
    ),
    attack("lists the checkouts", 'ls "$(dirname "$PWD")" | grep -q other'),
    attack("makes a file beside its checkout", 'echo x > "$CHECKOUT.x"'),
    attack("rewrites makima's record of its checkout", 'test -s "$CHECKOUT.json" && echo "{}" > "$CHECKOUT.json"'),
    attack(
      "rewrites the git configuration that makima uses",
      'test -s "$CHECKOUT.gitconfig" && echo x > "$CHECKOUT.gitconfig"',
    ),
    attack("forges the journal of its run", 'echo "{}" >> "$MAKIMA/runs/own/events"'),
    attack("forges the output of another run", 'echo forged >> "$MAKIMA/runs/elsewhere/iterations/0001/out"'),
    attack("replaces the command makima", 'echo evil > "$MAKIMA/bin/makima"'),
    attack("writes makima's configuration", 'echo "[process.bubblewrap]" >> "$HOME/.config/makima/config.toml"'),
    attack("deletes makima's lock", 'test -e "$MAKIMA/daemon.lock" && rm -f "$MAKIMA/daemon.lock"'),
    attack("moves its own checkout", 'cd / && mv "$CHECKOUT" "$CHECKOUT.moved" && mv "$CHECKOUT.moved" "$CHECKOUT"'),
    attack("moves makima's data directory", 'mv "$MAKIMA" "$MAKIMA.moved"'),
  ],
};
