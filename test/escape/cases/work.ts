import { LEFT_BEHIND, work } from "../case.ts";
import type { EscapeClass } from "../case.ts";
import { REACHES_LOOPBACK } from "./surroundings.ts";

const COMMIT = "git commit --quiet --allow-empty";

/** Packs a package and installs it into another one, by way of the cache, which needs no network. */
const NPM = `mkdir -p /tmp/npm/lib /tmp/npm/app && cd /tmp/npm/lib && npm init --yes >/dev/null &&
  package=$(npm pack --silent) && cd ../app && npm init --yes >/dev/null &&
  npm install --offline --no-audit --no-fund --no-update-notifier "../lib/$package" &&
  test -d node_modules/lib && test -d "$npm_config_cache/_cacache" && rm -r /tmp/npm`;

/** Each leaves the checkout on the branch that it found, without changes. */
export const WORK: EscapeClass = {
  title: "what has to work",
  defends: "an agent does its work as it would outside",
  cases: [
    work("git status", "git status --porcelain"),
    work(
      "git add and commit",
      `echo x > added && git add added && ${COMMIT} -m added && test -z "$(git status --porcelain added)"`,
    ),
    work("git commit --amend", `${COMMIT} -m one && ${COMMIT} --amend -m two && git log -1 --format=%s | grep -q two`),
    work("git log, diff and blame", "git log --oneline -- a.txt && git diff HEAD~1 --stat && git blame a.txt"),
    work("git branch, made and deleted", "git branch side && git branch -D side"),
    work(
      "git checkout of another branch and back",
      "git checkout --quiet -b there && git checkout --quiet - && git branch -D there",
    ),
    work(
      "git merge",
      `git checkout --quiet -b merged && ${COMMIT} -m side && git checkout --quiet - && git merge --quiet --no-ff -m merge merged`,
    ),
    work(
      "git rebase",
      `git checkout --quiet -b moved HEAD~1 && ${COMMIT} -m side && git rebase --quiet - && git checkout --quiet @{-1}`,
    ),
    work(
      "git stash",
      "echo changed >> a.txt && git stash --quiet && git stash pop --quiet && git checkout --quiet a.txt",
    ),
    work(
      "git reset and clean",
      "touch untracked-file && git clean --quiet --force untracked-file && git reset --quiet --hard",
    ),
    work("git tag", "git tag -a -m tag v1 && git tag -d v1"),
    work("git config", "git config user.nickname x && git config user.nickname"),
    work(
      "git worktree",
      "git worktree add --quiet /tmp/second && git worktree remove /tmp/second && git branch -D second",
    ),
    work("git gc", "git gc --quiet --prune=now && git fsck --connectivity-only"),
    work("git clone of the main repository", 'git clone --quiet "$REPO" /tmp/clone'),
    work("reading the main repository", 'git -C "$REPO" log --oneline main && cat "$REPO/a.txt"'),
    work("knowing who the person is", "git config user.email | grep -q ada@example.com"),
    work("writing in the checkout", "mkdir -p deep/er && echo x > deep/er/file && mv deep deeper && rm -r deeper"),
    work(
      "running a program that it wrote",
      "printf '#!/bin/sh\\nexit 0\\n' > program && chmod 755 program && ./program && rm program",
    ),
    work("writing in /tmp", "echo x > /tmp/x && grep -q x /tmp/x"),
    work("writing in /dev/shm", "echo x > /dev/shm/x"),
    work("node", "node -e 'process.exit(0)'"),
    work("python", "python3 -c 'import json'"),
    work("randomness", "head -c 16 /dev/urandom | wc -c | grep -q 16"),
    work("throwing away", "echo x > /dev/null"),
    work(
      "the file that names the name servers",
      "test ! -e /etc/resolv.conf -a ! -h /etc/resolv.conf || cat /etc/resolv.conf",
    ),
    work("a connection by TCP", REACHES_LOOPBACK),
    work("a socket of its own", "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('/tmp/own.sock')\""),
    work("a hundred processes", "for i in $(seq 100); do sleep 0.2 & done; wait"),
    work("leaving something running", `setsid sh -c 'sleep 600; true' ${LEFT_BEHIND} < /dev/null > /dev/null 2>&1 &`),
    work(
      "the package managers' caches",
      'for at in "$npm_config_cache" "$PIP_CACHE_DIR" "$CARGO_HOME" "$GOMODCACHE" "$XDG_CACHE_HOME"; do mkdir -p "$at" && echo x > "$at/x" || exit 1; done',
    ),
    work("npm, with its cache", NPM),
    work(
      "the agent's own state",
      'mkdir -p "$CLAUDE_CONFIG_DIR/projects/x" && echo "{}" >> "$CLAUDE_CONFIG_DIR/projects/x/session.jsonl"',
    ),
    work("makima", "makima --version"),
    work("what the configuration makes writable", 'echo x > "$HOME/shared/x"'),
    work("what the configuration shows in a hidden directory", 'grep -q shown "$HOME/vault/shown/file"'),
  ],
};
