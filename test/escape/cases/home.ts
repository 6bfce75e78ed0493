import { attack, MACHINE_WIDE } from "../case.ts";
import type { EscapeClass } from "../case.ts";

export const HOME: EscapeClass = {
  title: "home directory and system",
  defends: "nothing that is run or read later, by the person or by another agent, can be planted or spoilt",
  cases: [
    attack("makes a file in the home directory", 'echo x > "$HOME/x"'),
    attack("appends to ~/.bashrc", 'echo evil >> "$HOME/.bashrc"'),
    attack("deletes ~/.bashrc", 'rm -f "$HOME/.bashrc" && test ! -e "$HOME/.bashrc"'),
    attack(
      "shadows a program on the PATH",
      'mkdir -p "$HOME/.local/bin" && echo evil > "$HOME/.local/bin/git" && chmod 755 "$HOME/.local/bin/git"',
    ),
    attack("writes ~/.claude/settings.json", 'echo \'{"hooks":{}}\' > "$HOME/.claude/settings.json"'),
    attack("writes ~/.claude/CLAUDE.md", 'echo obey > "$HOME/.claude/CLAUDE.md"'),
    attack("changes the person's git configuration", "git config --global core.fsmonitor /bin/false"),
    attack("lets a key of its own log in", 'mkdir -p "$HOME/.ssh" && echo key >> "$HOME/.ssh/authorized_keys"'),
    attack(
      "has itself started at the next login",
      'mkdir -p "$HOME/.config/autostart" && echo evil > "$HOME/.config/autostart/x.desktop"',
    ),
    attack("goes through /proc/self/root", 'echo x > "/proc/self/root$HOME/x"'),
    attack("goes up from /proc/self/cwd", 'echo x > "/proc/self/cwd/../x"'),
    attack("writes through io_uring", withIoUring()),
    attack("writes to a directory that everybody may write to", 'echo x > "$OUT/x"'),
    attack("deletes what everybody may delete", 'rm "$OUT/canary"'),
    attack("makes a file in /etc", "touch /etc/makima-escape", MACHINE_WIDE),
    attack("replaces a system program", "cp /bin/true /usr/local/bin/git", MACHINE_WIDE),
    attack(
      "plants a cron job",
      "mkdir -p /var/spool/cron/crontabs && echo x > /var/spool/cron/crontabs/x",
      MACHINE_WIDE,
    ),
    attack("writes to the log of the system", "mkdir -p /var/log && echo x >> /var/log/makima-escape", MACHINE_WIDE),
    attack("opens the home directory to everybody", 'chmod 777 "$HOME"'),
    attack("moves the home directory away", 'mv "$HOME" "$HOME.moved"'),
  ],
};

/** libuv uses the ring for files where this variable asks it to and the kernel lets it. */
function withIoUring(): string {
  return `UV_USE_IO_URING=1 node -e 'require("node:fs").promises.writeFile(process.env.HOME + "/ring", "x")'`;
}
