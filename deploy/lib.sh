# shellcheck shell=bash
# What the scripts of this folder share; sourced, never run. Sets ROOT and finds cargo.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT

# Rust's own installer puts cargo here, and shells that were open before don't know it yet; before the system's, which may
# be old. The project's own tools come first.
export PATH="$ROOT/target/tools/bin:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' RESET=$'\e[0m'
else
    BOLD='' RED='' GREEN='' RESET=''
fi
export BOLD RED GREEN RESET

# A step, said before it is done.
say() { printf '%s==>%s %s\n' "$BOLD" "$RESET" "$*"; }

# Why it ends here.
die() {
    printf '%serror:%s %s\n' "$RED" "$RESET" "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Prints a script's own header: the comment below its first line.
usage() { sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$1"; }

# Runs a command as root: by ourselves, or by sudo.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif has sudo; then
        sudo -- "$@"
    else
        die "this needs root and there is no sudo; run as root: $*"
    fi
}
