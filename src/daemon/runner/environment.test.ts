import assert from "node:assert/strict";
import { test } from "node:test";
import { runSpec } from "../../../test/support/run.ts";
import { defaultAgent } from "../../platform/config/config.ts";
import { agentEnvironment, checkEnvironment, commandEnvironment } from "./environment.ts";

const BASIC = { PATH: "/usr/bin", HOME: "/home/ada", LANG: "C.UTF-8", TERM: "dumb" };
const OF_OTHERS = { TMPDIR: "/var/tmp", SSH_AUTH_SOCK: "/run/agent", MAKIMA_API_KEY: "mk_user_of_a_person" };

const spec = runSpec({ runId: "r", taskId: "0192f3a1-0000-7000-8000-00000000002a", contractId: "c" });
const services = {
  environment: { ...BASIC, ...OF_OTHERS, HTTPS_PROXY: "http://proxy:3128", LOGIN: "of the agent" },
  passEnv: ["HTTPS_PROXY", "NOT_SET"],
  serverUrl: "http://127.0.0.1:7420",
  bin: "/makima/bin",
};
const OF_TASK = {
  MAKIMA_TASK_ID: spec.taskId,
  MAKIMA_CONTRACT_ID: "c",
  MAKIMA_RUN_ID: "r",
  MAKIMA_PORT_BASE: "20420",
};

test("an agent is given what is named for it, and nothing else", () => {
  const settings = { ...defaultAgent("command"), passEnv: ["LOGIN"], env: { MODE: "test", MAKIMA_TASK_ID: "another" } };
  assert.deepEqual(agentEnvironment(spec, settings, services), {
    ...BASIC,
    ...OF_TASK,
    PATH: "/makima/bin:/usr/bin",
    LOGIN: "of the agent",
    MODE: "test",
    MAKIMA_API_URL: services.serverUrl,
    MAKIMA_API_KEY: spec.taskToken,
  });
});

test("a check is given what is named for checks, and a command of no task not even the task's", () => {
  const named = { ...BASIC, HTTPS_PROXY: "http://proxy:3128" };
  assert.deepEqual(checkEnvironment(spec, services), { ...named, ...OF_TASK });
  assert.deepEqual(commandEnvironment(services.passEnv, services.environment, { LANG: "C" }), { ...named, LANG: "C" });
});
