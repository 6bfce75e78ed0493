/** Files below the home directory that hold a secret. */
export const PERSONAL_SECRETS = [
  ".ssh/id_rsa",
  ".aws/credentials",
  ".gnupg/private-keys-v1.d/key",
  ".kube/config",
  ".docker/config.json",
  ".azure/accessTokens.json",
  ".config/gh/hosts.yml",
  ".config/gcloud/credentials.db",
  ".config/google-chrome/Default/Cookies",
  ".mozilla/firefox/profile/cookies.sqlite",
  ".netrc",
  ".npmrc",
  ".pypirc",
  ".git-credentials",
  ".bash_history",
  ".config/makima/config.toml",
  ".config/makima/webhook.secret",
] as const;

/** The same below makima's data directory; `elsewhere` is the run of another task. */
export const MAKIMA_SECRETS = [
  "user.key",
  "daemon.key",
  "makima.db",
  "server.json",
  "logs/up.log",
  "runs/elsewhere/spec.json",
  "runs/elsewhere/iterations/0001/out",
] as const;
