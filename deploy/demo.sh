#!/usr/bin/env bash
# Sets the machine up, builds NeuroLink and runs its demo on a PostgreSQL of its own: a small company, starter rules, a
# stream of ERP events, and links to look around with.
#
# Usage: deploy/demo.sh [--release] [--no-setup] [arguments of `neurolink demo`]
#   deploy/demo.sh                keeps playing until Ctrl-C
#   deploy/demo.sh --once         plays one round, checks it, and exits 0 if every notification and mail is there
#   deploy/demo.sh --release      builds with optimisation first (takes longer)
set -euo pipefail
# shellcheck source=deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$ROOT"

setup=yes profile=debug
arguments=()
for argument in "$@"; do
    case $argument in
        --release) profile=release ;;
        --no-setup) setup='' ;;
        -h | --help)
            usage "$0"
            exit 0
            ;;
        *) arguments+=("$argument") ;;
    esac
done

[[ -z $setup ]] || deploy/setup.sh --for demo

build=(cargo build --bin neurolink)
[[ $profile == debug ]] || build+=(--release)
say "Building ($profile; the first time takes some minutes)"
"${build[@]}"

say "neurolink demo ${arguments[*]}"
exec "${CARGO_TARGET_DIR:-target}/$profile/neurolink" demo "${arguments[@]}"
