#!/usr/bin/env bash
# Installs what is missing on this machine, and says what; twice is a no-op.
#
# Usage: deploy/setup.sh [--for demo|test|run]
#   demo  (default) what it takes to build NeuroLink and run its demo
#   test  that, and what the test suite needs: cargo-nextest, Redis, faketime, Chromium, some Python, and JSONLogic's own
#         tests by way of Node.js
#   run   only what a built `neurolink` needs at run time for its embedded database
#
# Made for Debian 12, as root or with sudo. PostgreSQL is installed as programs only: no cluster is created, and
# no server of the system is started. Elsewhere it says what has to be there.
set -euo pipefail
# shellcheck source=deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$ROOT"

purpose=demo
while (($#)); do
    case $1 in
        --for)
            purpose=${2:-}
            shift 2 || die "--for needs a word: demo, test or run"
            ;;
        --for=*)
            purpose=${1#--for=}
            shift
            ;;
        -h | --help)
            usage "$0"
            exit 0
            ;;
        *) die "unknown argument: $1 (see --help)" ;;
    esac
done
case $purpose in demo | test | run) ;; *) die "--for takes demo, test or run, not \"$purpose\"" ;; esac

# ---- system packages -------------------------------------------------------------------------------------------------

# PostgreSQL's server programs, 14 or newer, wherever they are usually put.
has_postgres() {
    local bin version
    for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin $(has pg_config && pg_config --bindir); do
        [[ -x $bin/postgres && -x $bin/initdb ]] || continue
        version=$("$bin/postgres" --version | grep -oE '[0-9]+' | head -n 1)
        ((version >= 14)) && return 0
    done
    return 1
}

has_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

packages=()
need() { packages+=("$@"); }

[[ -e /etc/ssl/certs/ca-certificates.crt ]] || need ca-certificates
has_postgres || need postgresql
if [[ $purpose != run ]]; then
    if ! { has cc && has c++ && has make; }; then need build-essential; fi
    has pkg-config || need pkg-config
    has curl || need curl
fi
if [[ $purpose == test ]]; then
    has_venv || need python3-venv
    has openssl || need openssl
    has redis-server || need redis-server
    has faketime || need faketime
    has chromium || need chromium
    has node || need nodejs
    has npm || need npm
fi

apt_install() {
    # The lists may be of last month, and a package of last month may be gone.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Switches we set for the time of an installation; gone again however this script ends.
switches=()
take_back() {
    local switch
    for switch in "${switches[@]}"; do as_root rm -f "$switch"; done
    switches=()
}
trap take_back EXIT

# Debian creates and starts a cluster with PostgreSQL's package; we bring our own, so this once it doesn't. What an
# administrator installs later behaves as ever.
install_postgres() {
    local switch=/etc/postgresql-common/createcluster.d/neurolink-setup.conf
    apt_install postgresql-common
    as_root mkdir -p "${switch%/*}"
    switches+=("$switch")
    printf 'create_main_cluster = false\n' | as_root tee "$switch" >/dev/null
    apt_install postgresql
    take_back
}

# Debian starts Redis with its package, and at every boot; the tests start their own.
install_redis() {
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        switches+=("$policy")
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    apt_install redis-server
    take_back
    if has systemctl; then
        as_root systemctl disable redis-server.service >/dev/null 2>&1 || true
    fi
}

if ((${#packages[@]})); then
    has apt-get || die "this machine has no apt-get; please install by its own means what Debian calls: ${packages[*]}"
    say "Installing from Debian: ${packages[*]}"
    as_root apt-get update -q
    plain=()
    for package in "${packages[@]}"; do
        case $package in
            postgresql) install_postgres ;;
            redis-server) install_redis ;;
            *) plain+=("$package") ;;
        esac
    done
    if ((${#plain[@]})); then
        apt_install "${plain[@]}"
    fi
else
    say "System packages: nothing is missing"
fi
has_postgres || die "PostgreSQL's server programs, 14 or newer, are needed (Debian: postgresql)"

if [[ $purpose == run ]]; then
    say "Ready to run neurolink"
    exit 0
fi

# ---- Rust ------------------------------------------------------------------------------------------------------------

wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

# Whether the Rust at hand is at least the wanted one.
has_rust() {
    has cargo && has rustc || return 1
    local found
    found=$(rustc --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
    [[ -n $found && $(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1) == "$wanted" ]]
}

if has_rust; then
    say "Rust: $(rustc --version)"
elif has rustup; then
    say "Rust: bringing the stable toolchain up to date ($wanted or newer is needed)"
    rustup toolchain install stable --profile minimal --component clippy --component rustfmt
    # For this folder only; the default of whoever works here stays theirs.
    rustup override set stable --path "$ROOT"
else
    say "Rust: there is none of $wanted or newer; installing the stable toolchain by rustup into ${CARGO_HOME:-${HOME:-/root}/.cargo}"
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 https://sh.rustup.rs |
        sh -s -- -y --no-modify-path --profile minimal --default-toolchain stable --component clippy --component rustfmt
    hash -r
fi
has_rust || die "Rust $wanted or newer is needed; found: $(rustc --version 2>/dev/null || echo none)"

if [[ $purpose == demo ]]; then
    say "Ready to build and run the demo"
    exit 0
fi

# ---- what only the tests need ----------------------------------------------------------------------------------------

for component in clippy rustfmt; do
    tool=cargo-${component/rustfmt/fmt}
    has "$tool" && continue
    has rustup || die "$tool is needed and there is no rustup to add it with"
    say "Rust: adding $component"
    rustup component add "$component"
done

# Built without optimisation: it starts test processes, and building it fast counts for more. Kept out of the user's own
# cargo folder.
if has cargo-nextest; then
    say "cargo-nextest: $(cargo nextest --version | head -n 1)"
else
    say "cargo-nextest: building it into target/tools (some minutes, once)"
    cargo install cargo-nextest --locked --debug --root target/tools ||
        say "cargo-nextest could not be built; the tests will run by cargo test"
fi

# Python programs that the tests use and that aren't ours: a mail server, a generator of clients, a tester of APIs. Another list
# makes the folder anew, so that it holds just what is listed.
if cmp --silent tests/requirements.txt target/venv/requirements.txt; then
    say "Python of the tests: target/venv is up to date"
else
    say "Python of the tests: installing tests/requirements.txt into target/venv"
    python3 -m venv --clear target/venv
    target/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
    cp tests/requirements.txt target/venv/requirements.txt
fi

# JSONLogic's tests with the answers of its reference implementation, whose package runs them (tests/jsonlogic/record.cjs). Its
# tests would download their data; the crate we evaluate conditions with has the same list.
reference=json-logic-js@2.0.5
host=$(rustc -vV | sed -n 's/^host: //p')
engine=$(cargo metadata --format-version 1 --locked --filter-platform "$host" |
    python3 -c 'import json, sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "datalogic-rs"))')
wanted="$reference $engine $(cksum <tests/jsonlogic/record.cjs)"
if [[ -f target/jsonlogic/cases.json && -f target/jsonlogic/ready && $(<target/jsonlogic/ready) == "$wanted" ]]; then
    say "JSONLogic's tests: target/jsonlogic is up to date"
else
    say "JSONLogic's tests: asking $reference (npm)"
    rm -rf target/jsonlogic
    mkdir -p target/jsonlogic
    (cd target/jsonlogic && npm pack --silent "$reference" >/dev/null && tar -xzf json-logic-js-*.tgz)
    node tests/jsonlogic/record.cjs target/jsonlogic/package "${engine%/*}/tests/suites/compatible.json" target/jsonlogic/cases.json
    printf '%s' "$wanted" >target/jsonlogic/ready
fi

say "Ready to run the tests"
