/**
 * How secrets look that nobody has named: a beginning by which they are known, and the characters that follow it.
 * Covered from the beginning on, once `atLeast` characters have followed.
 */
export interface TokenShape {
  kind: "token";
  starts: readonly string[];
  /** A character of the rest. */
  body: RegExp;
  atLeast: number;
  /** What ends it, and belongs to it; without it, the first character that is not of the body does. */
  ends?: readonly string[];
}

/** `scheme://user:password@host`: of it the password. */
export interface UrlShape {
  kind: "url";
  starts: readonly string[];
  /** What ends the part of a URL that a password can stand in. */
  stops: RegExp;
}

export type Shape = TokenShape | UrlShape;

const WORD = /[A-Za-z0-9_]/;
const DASHED = /[A-Za-z0-9_-]/;
const KEY_KINDS = ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "];

export const SHAPES: readonly Shape[] = [
  // makima's own keys and login codes.
  { kind: "token", starts: ["mk_user_", "mk_daemon_", "mk_task_", "mk_login_"], body: DASHED, atLeast: 16 },
  // Anthropic, OpenAI, OpenRouter.
  { kind: "token", starts: ["sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-"], body: DASHED, atLeast: 16 },
  // GitHub, GitLab, npm.
  { kind: "token", starts: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], body: WORD, atLeast: 20 },
  { kind: "token", starts: ["github_pat_", "glpat-", "npm_"], body: DASHED, atLeast: 20 },
  // AWS, Google.
  { kind: "token", starts: ["AKIA", "ASIA"], body: /[A-Z0-9]/, atLeast: 16 },
  { kind: "token", starts: ["AIza"], body: DASHED, atLeast: 30 },
  // Slack, and webhooks that whoever knows the address may call.
  {
    kind: "token",
    starts: ["xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxp-", "xoxr-", "xoxs-"],
    body: /[A-Za-z0-9.-]/,
    atLeast: 10,
  },
  { kind: "token", starts: ["hooks.slack.com/services/", "discord.com/api/webhooks/"], body: /[\w/-]/, atLeast: 10 },
  // A JSON Web Token begins with `{"alg":`, `{"typ":`, `{"kid":`, `{"cty":`, `{"enc":` or `{"x5t":` in base64.
  {
    kind: "token",
    starts: ["eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi", "eyJjdHkiOi", "eyJlbmMiOi", "eyJ4NXQiOi"],
    body: /[A-Za-z0-9_.-]/,
    atLeast: 16,
  },
  // An Authorization header.
  {
    kind: "token",
    starts: ["Bearer ", "bearer ", "BEARER ", "Basic ", "basic ", "BASIC "],
    body: /[A-Za-z0-9._~+/=-]/,
    atLeast: 16,
  },
  // PEM; its lines may be escaped.
  ...KEY_KINDS.map((name): TokenShape => {
    const [starts, ends] = [[`-----BEGIN ${name}PRIVATE KEY-----`], [`-----END ${name}PRIVATE KEY-----`]];
    return { kind: "token", starts, ends, body: /[A-Za-z0-9+/=\s\\:,.%-]/, atLeast: 0 };
  }),
  { kind: "url", starts: ["://"], stops: /[\s/?#"'<>\\]/ },
];
