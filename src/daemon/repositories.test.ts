import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { repositoryRule } from "./repositories.ts";

describe("the repositories that a daemon may work in", () => {
  it("are all where there is no rule, and none where the rule is empty", () => {
    assert.equal(repositoryRule(null, "/home/ada")("/etc"), true);
    assert.equal(repositoryRule([], "/home/ada")("/etc"), false);
  });

  const table: [pattern: string, path: string, allowed: boolean][] = [
    ["/srv/app", "/srv/app", true],
    ["/srv/app", "/srv/app/deep/.hidden/inside", true],
    ["/srv/app/", "/srv/app", true],
    ["/srv/app", "/srv/app-other", false],
    ["/srv/app", "/srv", false],
    ["/srv/*", "/srv/app", true],
    ["/srv/*/web", "/srv/app/web/x", true],
    ["/srv/*/web", "/srv/app/api", false],
    ["/srv/**/web", "/srv/a/b/web", true],
    ["~/src/*", "/home/ada/src/app", true],
    ["~/src/*", "/home/eve/src/app", false],
    ["~", "/home/ada/anything", true],
    ["~eve/src", "/home/ada/eve/src", false],
    ["/", "/anywhere", true],
  ];
  for (const [pattern, path, allowed] of table) {
    it(`${allowed ? "hold" : "do not hold"} ${path} by ${pattern}`, () => {
      assert.equal(repositoryRule([pattern], "/home/ada")(path), allowed);
    });
  }

  it("are known by their real paths, also where the rule names a link", async (t) => {
    const root = await realpath(await mkdtemp(join(tmpdir(), "makima-rule-")));
    t.after(() => rm(root, { recursive: true }));
    await mkdir(join(root, "data", "app"), { recursive: true });
    await symlink(join(root, "data"), join(root, "src"));
    for (const pattern of [join(root, "src/*"), join(root, "src")]) {
      const allows = repositoryRule([pattern], root);
      assert.equal(allows(join(root, "data/app")), true);
      assert.equal(allows(join(root, "elsewhere")), false);
    }
  });
});
