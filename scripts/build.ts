import { build } from "esbuild";
import { chmod, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

// node scripts/build.ts [DIRECTORY]: bundles the command line into dist, or into a directory that is emptied first.

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = process.argv[2] ?? `${root}dist`;

await rm(dist, { recursive: true, force: true });
await build({
  entryPoints: { makima: `${root}src/cli/main.ts` },
  outdir: dist,
  bundle: true,
  // What a command imports lazily stays a file of its own, so that `makima ps` does not pay for the server.
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "linked",
  logLevel: "warning",
  // CommonJS dependencies ask for Node's modules with require, which an ES module does not have.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  // Native speed-ups of ws that are not among its dependencies: it goes without them.
  external: ["bufferutil", "utf-8-validate"],
});
await chmod(`${dist}/makima.js`, 0o755);
