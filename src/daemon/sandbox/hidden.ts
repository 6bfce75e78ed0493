import { join } from "node:path";

/**
 * Where people and their tools keep what opens other doors, below a home directory. Each is a file or a directory, and
 * hidden whole; what is not there needs no hiding.
 */
const HOME_SECRETS = [
  // Keys, tokens, passwords.
  ".ssh",
  ".gnupg",
  ".netrc",
  ".git-credentials",
  ".config/git/credentials",
  ".password-store",
  ".local/share/keyrings",
  ".local/share/kwalletd",
  ".config/keepassxc",
  ".config/op",
  ".config/Bitwarden CLI",
  ".config/sops",
  ".config/age",
  ".vault-token",
  ".pki",
  ".Xauthority",
  ".ICEauthority",
  // Clouds, clusters, forges.
  ".aws",
  ".azure",
  ".kube",
  ".docker",
  ".config/containers",
  ".local/share/containers",
  ".config/gcloud",
  ".config/gh",
  ".config/glab-cli",
  ".config/hub",
  ".config/doctl",
  ".config/hcloud",
  ".config/rclone",
  ".config/heroku",
  ".config/fly",
  ".fly",
  ".oci",
  ".s3cfg",
  ".boto",
  ".terraform.d",
  ".terraformrc",
  ".pulumi",
  // Package registries.
  ".npmrc",
  ".config/npm",
  ".yarnrc",
  ".yarnrc.yml",
  ".pypirc",
  ".config/pip/pip.conf",
  ".pip/pip.conf",
  ".cargo/credentials",
  ".cargo/credentials.toml",
  ".gem/credentials",
  ".m2/settings.xml",
  ".m2/settings-security.xml",
  ".gradle/gradle.properties",
  ".composer/auth.json",
  ".config/composer/auth.json",
  // Databases.
  ".pgpass",
  ".my.cnf",
  ".mylogin.cnf",
  // Browsers and mail: cookies and sessions.
  ".mozilla",
  ".thunderbird",
  ".config/google-chrome",
  ".config/google-chrome-beta",
  ".config/chromium",
  ".config/BraveSoftware",
  ".config/microsoft-edge",
  ".config/opera",
  ".config/vivaldi",
  ".var/app",
  "snap",
  // What was typed, passwords now and then included.
  ".bash_history",
  ".zsh_history",
  ".zhistory",
  ".history",
  ".sh_history",
  ".local/share/fish/fish_history",
  ".python_history",
  ".node_repl_history",
  ".psql_history",
  ".mysql_history",
  ".sqlite_history",
  ".rediscli_history",
  ".lesshst",
  ".viminfo",
  // Of another makima, too.
  ".config/makima",
  ".local/share/makima",
];

/** What root could read outside of any home: it owns these files, so that having no capabilities does not keep it out. */
const SYSTEM_SECRETS = [
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/sudoers",
  "/etc/sudoers.d",
  "/etc/security/opasswd",
  "/etc/krb5.keytab",
  "/etc/ssl/private",
  "/etc/ssh/ssh_host_rsa_key",
  "/etc/ssh/ssh_host_ecdsa_key",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssh/ssh_host_dsa_key",
  "/var/lib/docker",
  "/var/lib/containerd",
];

/** Everything that no sandboxed process is to see, whatever is configured; absolute, not resolved. */
export function secretPaths(homes: readonly string[]): string[] {
  return [...SYSTEM_SECRETS, ...homes.flatMap((home) => HOME_SECRETS.map((path) => join(home, path)))];
}
