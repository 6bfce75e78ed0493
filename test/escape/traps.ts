/**
 * What an agent may leave in its checkout so that the next git there runs a program of its own. `plant` is run by sh in a
 * checkout; `$TRAP NAME` is such a program, which leaves a mark outside, and `$TRAP` alone one without a name.
 */
export interface Trap {
  name: string;
  plant: string;
  /** What a person might type, and springs the trap in a checkout that nothing protects; null where git is not what does. */
  springs: string | null;
  /** It changes what `.git` is, and so needs a checkout of its own. */
  alone?: true;
}

const COMMIT = "git commit --quiet --allow-empty -m x";
const HOOKS = ["pre-commit", "post-commit", "post-checkout", "post-index-change", "reference-transaction"].join(" ");
const EVIL = "git init --quiet --template= evil && git -C evil config core.fsmonitor";

export const TRAPS: readonly Trap[] = [
  { name: "fsmonitor", plant: 'git config core.fsmonitor "$TRAP fsmonitor"', springs: "git status" },
  {
    name: "hook",
    plant: `mkdir -p .git/hooks && for hook in ${HOOKS}; do printf '#!/bin/sh\\n%s hook\\n' "$TRAP" > .git/hooks/$hook && chmod 755 .git/hooks/$hook; done`,
    springs: COMMIT,
  },
  {
    name: "hooks-path",
    plant: `mkdir -p own-hooks && git config core.hooksPath "$PWD/own-hooks" && printf '#!/bin/sh\\n%s hooks-path\\n' "$TRAP" > own-hooks/pre-commit && chmod 755 own-hooks/pre-commit`,
    springs: COMMIT,
  },
  filterTrap("clean", "clean", "git add --all"),
  filterTrap("process", "process", "git add --all"),
  filterTrap("smudge", "smudge", "git add --all && rm x.smudge && git checkout -- x.smudge"),
  {
    name: "attributes-of-the-clone",
    plant:
      'mkdir -p .git/info && echo "*.info filter=info" > .git/info/attributes && git config filter.info.clean "$TRAP attributes-of-the-clone" && echo x > x.info',
    springs: "git add --all",
  },
  {
    name: "diff-external",
    plant: 'git config diff.external "$TRAP diff-external" && echo x >> a.txt',
    springs: "git diff",
  },
  {
    name: "textconv",
    plant: 'git config diff.t.textconv "$TRAP textconv" && echo "a.txt diff=t" >> .gitattributes && echo x >> a.txt',
    springs: "git diff",
  },
  { name: "signing", plant: 'git config commit.gpgSign true && git config gpg.program "$TRAP_SIGN"', springs: COMMIT },
  { name: "editor", plant: 'git config core.editor "$TRAP editor"', springs: "git commit --allow-empty" },
  { name: "ssh", plant: 'git config core.sshCommand "$TRAP ssh"', springs: "git fetch ssh://localhost/x" },
  includeTrap("include", "git config include.path ../include.cfg"),
  includeTrap("include-if", 'git config "includeIf.gitdir:**.path" ../include-if.cfg'),
  {
    name: "config-worktree",
    plant:
      'git config extensions.worktreeConfig true && git config --worktree filter.wt.clean "$TRAP config-worktree" && echo "*.wt filter=wt" >> .gitattributes && echo x > x.wt',
    springs: "git add --all",
  },
  {
    name: "nested",
    plant:
      'git init --quiet --template= nested && cd nested && git commit --quiet --allow-empty -m x && git config core.fsmonitor "$TRAP nested" && cd .. && git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c advice.addEmbeddedRepo=false add nested',
    springs: "git status",
  },
  {
    name: "claude",
    plant:
      'mkdir -p .claude && printf \'{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"%s claude"}]}]}}\' "$TRAP" > .claude/settings.json',
    springs: null,
  },
  {
    name: "git-file",
    plant: `${EVIL} "$TRAP git-file" && mv .git own.git && echo "gitdir: evil/.git" > .git`,
    springs: "git status",
    alone: true,
  },
  {
    name: "git-link",
    plant: `${EVIL} "$TRAP git-link" && mv .git own.git && ln -s evil/.git .git`,
    springs: "git status",
    alone: true,
  },
  {
    name: "git-directory",
    plant: `${EVIL} "$TRAP git-directory" && mv .git own.git && mv evil/.git .git`,
    springs: "git status",
    alone: true,
  },
  {
    name: "commondir",
    plant: `${EVIL} "$TRAP commondir" && echo "../evil/.git" > .git/commondir`,
    springs: "git status",
    alone: true,
  },
];

function filterTrap(name: string, kind: string, springs: string): Trap {
  const plant = `git config filter.${name}.${kind} "$TRAP ${name}" && echo "*.${name} filter=${name}" >> .gitattributes && echo x > x.${name}`;
  return { name, plant, springs };
}

function includeTrap(name: string, config: string): Trap {
  const filter = `git config --file ${name}.cfg filter.${name}.clean "$TRAP ${name}" && echo "*.${name} filter=${name}" >> .gitattributes`;
  return { name, plant: `${filter} && ${config} && echo x > x.${name}`, springs: "git add --all" };
}
