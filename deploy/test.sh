#!/usr/bin/env bash
# Sets the machine up and runs the whole test suite: formatting, lints, tests, a short run of chaos.
# Exits 0 when all of it passed.
#
# Usage: deploy/test.sh [--no-setup] [-- arguments for the test runner]
#   deploy/test.sh                      everything, as CI does
#   deploy/test.sh --no-setup -- inbox  without looking for missing programs, only tests with "inbox" in their names
#
# The tests use a PostgreSQL of their own, in target/; it is stopped at the end. No database of yours is touched.
set -euo pipefail
# shellcheck source=deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$ROOT"

setup=yes
while (($#)); do
    case $1 in
        --no-setup)
            setup=''
            shift
            ;;
        --)
            shift
            break
            ;;
        -h | --help)
            usage "$0"
            exit 0
            ;;
        *) die "unknown argument: $1 (see --help; arguments for the test runner come after --)" ;;
    esac
done

# Settings of whoever runs the tests are not the tests' business; NEUROLINK_TEST_* is.
for name in $(compgen -e); do
    case $name in
        NEUROLINK_TEST_*) ;;
        NEUROLINK_* | DATABASE_URL | REDIS_URL | JWT_SECRET_KEY | SMTP_*) unset "$name" ;;
    esac
done
export NEUROLINK_TEST_PYTHON=${NEUROLINK_TEST_PYTHON:-$ROOT/target/venv/bin/python}

stop_cluster() {
    if [[ -x deploy/test-cluster.sh ]]; then
        deploy/test-cluster.sh stop >/dev/null 2>&1 || true
    fi
}
trap stop_cluster EXIT

began=$SECONDS
failed=()
timings=()

# Runs a step and remembers how it went: a wrong space shouldn't hide a broken test.
step() {
    local title=$1 start=$SECONDS result=passed
    shift
    say "$title"
    if ! "$@"; then
        result=FAILED
        failed+=("$title")
    fi
    timings+=("$(printf '%-28s %5d s  %s' "$title" "$((SECONDS - start))" "$result")")
}

tests() {
    if has cargo-nextest; then
        cargo nextest run "$@"
    else
        cargo test --no-fail-fast --lib --bins --test it --test models -- "$@"
    fi
}

if [[ -n $setup ]]; then
    step "Set the machine up" deploy/setup.sh --for test
    ((${#failed[@]} == 0)) || die "the machine could not be set up; nothing was tested"
fi
step "Formatting" cargo fmt --check
step "Lints" cargo clippy --all-targets --quiet -- -D warnings
step "Tests" tests "$@"
# Whoever asks for some tests by name doesn't want to wait for this one.
(($#)) || step "Everything dies (chaos)" deploy/chaos.sh --no-setup --minutes 1 --seed 1

printf '\n'
printf '  %s\n' "${timings[@]}"
took=$((SECONDS - began))
if ((${#failed[@]})); then
    printf '\n%sFAILED%s after %d min %02d s: %s\n' "$RED" "$RESET" $((took / 60)) $((took % 60)) "$(printf '%s; ' "${failed[@]}" | sed 's/; $//')"
    exit 1
fi
printf '\n%sAll passed%s in %d min %02d s\n' "$GREEN" "$RESET" $((took / 60)) $((took % 60))
