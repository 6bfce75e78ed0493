#!/bin/sh
# Drives a contract by hand, with the same commands that a supervising agent uses: a plan, three tasks, their merges, and
# the report. Run it in a git repository with `makima` and `node` on PATH. Answers are read from stdin.
set -eu

# Picks a field out of a JSON document: `... --json | field contract.id`
field() {
  node -pe "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"
}

MAKIMA_CONTRACT_ID=$(makima contract create --no-supervisor --name Greetings --goal "Greet whoever comes" \
  --item "Greet" --check "test -f README.md" --autonomous-loop --json | field contract.id)
export MAKIMA_CONTRACT_ID

# The plan is what the first phase has to deliver: without it, the next one does not begin.
makima contract create-file plan "alpha, then beta; gamma beside them"
makima supervisor advance-phase

alpha=$(makima supervisor spawn alpha --plan "Write the greeting of alpha" --json | field task.id)
beta=$(makima supervisor spawn beta --plan "Write the farewell" --after "$alpha" --json | field task.id)
gamma=$(makima supervisor spawn gamma --plan "Write the greeting of gamma" --json | field task.id)
makima supervisor tree
makima supervisor wait --all

makima supervisor diff "$alpha" --stat
makima supervisor merge "$alpha"
makima supervisor merge "$beta"

# A merge that conflicts moves nothing, and ends with 5; its agent then gets the decision, and resolves it.
if ! makima supervisor merge "$gamma"; then
  echo "Whose greeting is to be kept, that of alpha or of gamma?"
  read -r choice
  makima supervisor resume "$gamma" --message "Merge the integration branch, and keep the greeting of $choice"
  makima supervisor wait "$gamma"
  makima supervisor merge "$gamma"
fi

makima contract goals --done 1
makima contract report "Three tasks are merged"
makima contract complete
makima contract file report
