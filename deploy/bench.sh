#!/usr/bin/env bash
# Measures NeuroLink beside others on this machine, by turns in one run, and prints one table: ours, the other's, the ratio, the
# target, met or not. Sets up what it needs below target/bench (npm and PyPI packages by name, a private durable PostgreSQL that
# goes with the run); everything listens on the loopback.
#
# Usage: deploy/bench.sh [options]
#   --quick             one short round: an impression, not a measurement
#   --only ROW          only wake, ingest, drain, rules, backtest, latency, growth, streams or idle; may be
#                       given more than once
#   --rounds N          rounds by turns (5; with --quick 1)
#   --json              {"rows": [{"name", "ours", "peer", "ratio", "target", "met"}]} instead of the table
#   --chart FILE        where the chart goes (tests/bench/chart.svg after a whole run)
#   --with-rust-peers   builds awa and notifyd too (from crates.io, some minutes, once)
#   --program FILE      a neurolink that is built already
#   --no-setup          leaves system packages alone
# Exit codes: 0 every target met, 3 one is missed, others: it didn't run.
set -euo pipefail
# shellcheck source=deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$ROOT"

setup=yes rust_peers='' program='' chart='' whole=yes
arguments=()
while (($#)); do
    case $1 in
        --quick) arguments+=("$1") whole='' ;;
        --json) arguments+=("$1") ;;
        --only) arguments+=("$1" "${2:?--only needs a row}") whole='' && shift ;;
        --rounds) arguments+=("$1" "${2:?--rounds needs a number}") && shift ;;
        --chart) chart=${2:?--chart needs a file} && shift ;;
        --program) program=${2:?--program needs a file} && shift ;;
        --with-rust-peers) rust_peers=yes ;;
        --no-setup) setup='' ;;
        -h | --help)
            usage "$0"
            exit 0
            ;;
        *) die "unknown option $1; --help lists them" ;;
    esac
    shift
done
[[ -n $chart || -z $whole ]] || chart=tests/bench/chart.svg
[[ -z $chart ]] || arguments+=(--chart "$chart")

# Everything but the result goes to standard error: with --json a script reads the other.
{
    [[ -z $setup ]] || deploy/setup.sh --for demo
    for tool in node npm python3 psql pgbench; do
        has "$tool" || die "$tool is missing; on Debian: apt-get install nodejs npm python3-venv postgresql postgresql-contrib"
    done

    tools=${CARGO_TARGET_DIR:-$ROOT/target}/bench
    mkdir -p "$tools"
    tools=$(cd -- "$tools" && pwd -P)

    if [[ -z $program ]]; then
        say "Building NeuroLink (release)"
        cargo build --release --bin neurolink
        program=$(dirname -- "$tools")/release/neurolink
    fi
    [[ -x $program ]] || die "$program is no program"

    # Set up again only when what is asked for has changed.
    wanted=$(cat tests/bench/package-lock.json tests/bench/requirements.txt | cksum)
    if [[ ! -f $tools/ready || $(<"$tools/ready") != "$wanted" ]]; then
        say "Installing graphile-worker and pg-boss (npm)"
        cp tests/bench/package.json tests/bench/package-lock.json "$tools/"
        (cd -- "$tools" && npm ci --no-audit --no-fund --loglevel=error)
        say "Installing FastAPI, asyncpg and procrastinate (PyPI)"
        [[ -x $tools/venv/bin/python ]] || python3 -m venv "$tools/venv"
        "$tools/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
        printf '%s' "$wanted" >"$tools/ready"
    fi

    if [[ -n $rust_peers ]]; then
        # Left out, with a word in the table, when they don't build here: they are no condition of the rest.
        say "Building awa and notifyd (crates.io)"
        CARGO_TARGET_DIR=$tools/cargo-build cargo install --quiet --locked --root "$tools/cargo" notifyd@0.4.0 ||
            say "notifyd doesn't build here and is left out"
        CARGO_TARGET_DIR=$tools/cargo-build cargo install --quiet --locked --root "$tools/cargo" --path tests/bench/peers/awa ||
            say "awa doesn't build here and is left out"
    fi
} >&2

exec python3 tests/bench/run.py --program "$program" --tools "$tools" "${arguments[@]}"
