#!/usr/bin/env bash
# Everything dies: three real nodes on a PostgreSQL of their own under steady load, while processes are killed and frozen,
# connections cut, the mail server refuses, stalls and hangs up, a disk fills and a clock lies, at random from a printed seed.
# Then it waits for quiet, and checks in SQL, in the mails that arrived and in what stream readers saw that nothing was
# lost, doubled or left over. A failure prints the seed and the story of the events that broke.
#
# Usage: deploy/chaos.sh [--minutes N] [--seed S] [--faults kill-node,restart-db,…|none] [--keep] [--release] [--no-setup]
#   deploy/chaos.sh                          one minute of load, from a seed drawn now (2 to 3 minutes in all)
#   deploy/chaos.sh --minutes 60 --seed 7    a long run
#   deploy/chaos.sh --help-faults            the faults, and every argument
#
# Retries that wait for their backoff when the load has ended are pulled forward by SQL, so that quiet comes in seconds.
# As root it mounts a small tmpfs for the full disk (in target/tmp); without root that fault is left out, and said so.
set -euo pipefail
# shellcheck source=deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$ROOT"

setup=yes
profile=()
arguments=()
for argument in "$@"; do
    case $argument in
        --release) profile=(--release) ;;
        --no-setup) setup='' ;;
        --help-faults) arguments+=(--help) ;;
        -h | --help)
            usage "$0"
            exit 0
            ;;
        *) arguments+=("$argument") ;;
    esac
done

[[ -z $setup ]] || deploy/setup.sh --for test

export NEUROLINK_TEST_PYTHON=${NEUROLINK_TEST_PYTHON:-$ROOT/target/venv/bin/python}
say "Building"
cargo test --quiet "${profile[@]}" --test chaos --no-run
exec cargo test --quiet "${profile[@]}" --test chaos -- "${arguments[@]}"
