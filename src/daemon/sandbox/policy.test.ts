import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultConfig } from "../../platform/config/config.ts";
import type { BubblewrapConfig } from "../../platform/config/config.ts";
import { agentRequest, checkRequest, gitRequest } from "./policy.ts";
import type { Estate, SandboxedAgent } from "./policy.ts";

const BASE = defaultConfig().process.bubblewrap;

const path = fc
  .array(fc.stringMatching(/^\w[\w. -]{0,7}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);
const paths = fc.array(path, { maxLength: 3 });
const config: fc.Arbitrary<BubblewrapConfig> = fc.record({
  ...Object.fromEntries(Object.entries(BASE).map(([name, value]) => [name, fc.constant(value)])),
  writable: paths,
  readonly: paths,
  hidden: paths,
}) as fc.Arbitrary<BubblewrapConfig>;
const estate: fc.Arbitrary<Estate> = fc.record({
  userHome: path,
  home: path,
  bin: path,
  worktrees: path,
  secrets: paths,
  programs: paths,
});
const agent: fc.Arbitrary<SandboxedAgent> = fc.record({
  dir: path,
  repository: path,
  caches: fc.option(path),
  env: fc.dictionary(fc.constantFrom("HOME", "PATH", "SSL_CERT_FILE", "X"), fc.oneof(path, fc.string())),
  state: fc.record({ readable: paths, hidden: paths, writable: paths, scratch: paths }),
  programs: paths,
  files: paths,
});

test("whatever is asked for, only checkout, caches, agent state and configured paths can be written", () => {
  fc.assert(
    fc.property(config, estate, agent, (settings, places, process) => {
      const { caches, state, dir } = process;
      const shared = [...settings.writable, ...(caches === null ? [] : [caches])];
      assert.deepEqual(agentRequest(settings, places, process).writable, [...shared, ...state.writable]);
      assert.deepEqual(checkRequest(settings, places, process).writable, shared);
      assert.deepEqual(gitRequest(settings, places, process).writable, [`${dir}.index`]);
    }),
  );
});

test("whatever is asked for, makima's own and everybody's secrets are hidden", () => {
  fc.assert(
    fc.property(config, estate, agent, (settings, places, process) => {
      for (const request of [agentRequest, checkRequest, gitRequest].map((of) => of(settings, places, process))) {
        const hidden = new Set(request.hidden);
        const { userHome, home, worktrees, secrets } = places;
        const wanted = [home, worktrees, ...secrets, ...settings.hidden, `${userHome}/.ssh`, "/etc/shadow"];
        for (const secret of wanted) assert.ok(hidden.has(secret), secret);
        assert.equal(request.dir, process.dir);
      }
    }),
  );
});

test("git is cut off from the network, and a check from makima's command", () => {
  fc.assert(
    fc.property(estate, agent, (places, process) => {
      assert.equal(gitRequest(BASE, places, process).network, "none");
      assert.equal(agentRequest(BASE, places, process).network, "host");
      assert.deepEqual(agentRequest(BASE, places, process).readonly, [places.bin, ...process.files]);
      assert.deepEqual(checkRequest(BASE, places, process).readonly, []);
      assert.deepEqual(checkRequest(BASE, places, process).scratch, []);
    }),
  );
});

test("an agent with a home of its own has the secrets of both hidden", () => {
  const places = { userHome: "/home/ada", home: "/m", bin: "/m/bin", worktrees: "/w", secrets: [], programs: [] };
  const process = { dir: "/w/a", repository: "/r/.git", caches: null, env: { HOME: "/home/agent", PATH: "bin:/x" } };
  const { hidden, exposed } = checkRequest(BASE, places, process);
  for (const name of ["/home/ada/.aws", "/home/agent/.aws"]) assert.ok(hidden.includes(name), name);
  assert.deepEqual(exposed, ["/r/.git", "/home/agent", "/x"]);
});
