import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultAgent, defaultConfig } from "../config/config.ts";
import { createLogger } from "../log.ts";
import { credentialsIn, learnSecrets, redact, redactStream } from "./secrets.ts";

test("what was learnt goes from then on, also from a stream that is open", () => {
  const write = redactStream();
  assert.equal(write("first opensesame-1 "), "first opensesame-1 ");
  learnSecrets([" opensesame-1\n", "tiny", ""]);
  assert.equal(redact("opensesame-1 tiny"), "*** tiny");
  assert.equal(write("then opensesa") + write("me-1\n"), "then ***\n");
});

test("a log holds no secret, in whichever format and wherever it stands", () => {
  learnSecrets(['quo"ted\\secret\nof two lines']);
  for (const format of ["json", "pretty"] as const) {
    const lines: string[] = [];
    const log = createLogger({ level: "info", format, stream: { write: (line) => lines.push(line) } });
    const secret = 'quo"ted\\secret\nof two lines';
    log.warn({ url: `http://h/?k=${encodeURIComponent(secret)}`, nested: { deep: [secret] } }, `it is ${secret}`);
    log.error({ err: new Error(`a line of ${JSON.stringify({ secret })}`) }, "failed");
    log.info({ key: `mk_user_${"x".repeat(43)}` }, Buffer.from(`a:${secret}`).toString("base64"));
    const text = lines.join("");
    assert.equal(lines.length, format === "json" ? 3 : lines.length);
    assert.doesNotMatch(text, /quo|secret.nof|of two|x{9}|cXVvInR|1b3RlZ|xdW90|eHF1b/, text);
    assert.equal(text.match(/\*\*\*/g)?.length, format === "json" ? 7 : 6, text);
    if (format === "json") for (const line of lines) JSON.parse(line);
  }
});

test("credentials are known by the names of variables, and in addresses by their places", () => {
  const config = defaultConfig();
  config.database.url = "postgres://me:p%40ssword@db/makima";
  config.notifications.webhooks = [{ url: "https://hook.example/x?token=abcdefgh", secretFile: "/nowhere" }];
  config.agents["other"] = {
    ...defaultAgent("command"),
    env: { MY_API_KEY: "from-configuration", MODE: "production" },
  };
  const env = {
    ANTHROPIC_API_KEY: "k1",
    GITHUB_TOKEN: "k2",
    AWS_SECRET_ACCESS_KEY: "k3",
    AWS_BEARER_TOKEN_BEDROCK: "k4",
    MYSQL_PWD: "k5",
    npm_config__auth: "k6",
    SSH_AUTH_SOCK: "/tmp/agent",
    TOKEN_FILE: "/etc/token",
    PWD: "/home/me",
    OLDPWD: "/home",
    KEYBOARD: "de",
    PATH: "/bin",
    MAKIMA_API_KEY: undefined,
  };
  const expected = ["k1", "k2", "k3", "k4", "k5", "k6", "", "from-configuration", "p%40ssword", "p@ssword"];
  assert.deepEqual(credentialsIn(env, config), [...expected, "", "", "abcdefgh"]);
});
