import { attack } from "../case.ts";
import type { EscapeCase, EscapeClass } from "../case.ts";
import { MAKIMA_SECRETS, PERSONAL_SECRETS } from "../secret-files.ts";

/** Every file that holds a secret has the word CANARY in it, and nothing else has. */
export const SECRETS: EscapeClass = {
  title: "secrets",
  defends: "keys, logins, browser profiles, and what is makima's own cannot be read, by whatever name",
  cases: [
    ...PERSONAL_SECRETS.map((path) => reading(`~/${path}`, `$HOME/${path}`)),
    ...MAKIMA_SECRETS.map((path) => reading(`makima's ${path}`, `$MAKIMA/${path}`)),
    reading("what the configuration hides", "$HOME/vault/secret"),
    reading("what the configuration hides by a symbolic link", "$HOME/deposit/secret"),
    attack("searches the whole home directory", 'grep -rqs CANARY "$HOME"'),
    attack("reads a key through a symbolic link", 'ln -s "$HOME/.ssh" keys && grep -q CANARY keys/id_rsa'),
    attack("reads a key through a hard link", 'ln "$HOME/.ssh/id_rsa" key && grep -q CANARY key'),
    attack("reads a key through /proc/self/root", 'grep -q CANARY "/proc/self/root$HOME/.ssh/id_rsa"'),
    attack("has git read a key", 'git diff --no-index /dev/null "$HOME/.ssh/id_rsa" | grep -q CANARY'),
    attack("puts a file in the place of a hidden one", 'echo forged > "$HOME/.ssh/id_rsa"'),
    attack("reads the passwords of the system", "test -s /etc/shadow && cat /etc/shadow", "done as root"),
    attack("moves a hidden directory aside", 'mv "$HOME/.ssh" "$HOME/.keys" && test -e "$HOME/.keys/id_rsa"'),
  ],
};

function reading(what: string, path: string): EscapeCase {
  return attack(`reads ${what}`, `grep -qa CANARY "${path}"`);
}
