import { fileURLToPath } from "node:url";

/** The real Claude Code, as npm installed it for this project. */
export const claudeCommand = fileURLToPath(new URL("../../node_modules/.bin/claude", import.meta.url));

export type ClaudeLogin = "api-key" | "subscription" | "none";

/**
 * What Claude Code needs to talk to a scripted model and to nobody else, with a made-up login. `home` keeps its sessions:
 * processes that resume one another share it.
 *
 * `login: "subscription"` is what makes it report a usage limit with its reset time (see `usageLimit`); with `"none"`
 * it exits at once with 1, a synthetic message and a result, both "Not logged in · Please run /login"
 * (`error: "authentication_failed"`, `is_error: true`).
 */
export function claudeEnvironment(
  home: string,
  modelUrl: string,
  login: ClaudeLogin = "api-key",
): Record<string, string> {
  return {
    HOME: home,
    ANTHROPIC_BASE_URL: modelUrl,
    ...LOGINS[login],
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // Without it Claude Code refuses to skip permission questions for root, which is who runs tests in a container.
    IS_SANDBOX: "1",
  };
}

const LOGINS: Record<ClaudeLogin, Record<string, string>> = {
  "api-key": { ANTHROPIC_API_KEY: "made-up" },
  subscription: { CLAUDE_CODE_OAUTH_TOKEN: "made-up" },
  none: {},
};
