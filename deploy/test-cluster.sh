#!/bin/sh
# The private PostgreSQL of the test suite: deploy/test-cluster.sh start|stop|url
# One cluster a checkout, on a Unix socket in a folder that only its account (and root) can enter, not durable on
# purpose. `start` is idempotent and prints the URL; the tests call it themselves, `stop` is for the end of a run.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/tmp"
target=$(cd "$target" && pwd -P)
sum=$(printf %s "$target" | cksum | cut -d' ' -f1)
data=$target/test-cluster
socket=/tmp/neurolink-test-$(id -u)-$sum
user=neurolink_test

# initdb and postgres refuse root.
if [ "$(id -u)" = 0 ]; then
    account=postgres
    id -u "$account" >/dev/null 2>&1 || { echo "test-cluster: no user postgres; install Debian's postgresql" >&2; exit 1; }
    as() { runuser -u "$account" -- "$@"; }
    # A checkout below /root can't be entered by anybody else.
    as test -x "$target" 2>/dev/null || data=/var/tmp/neurolink-test-$sum
else
    account=$(id -un)
    as() { "$@"; }
fi

programs() {
    for dir in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -t/ -k5 -V -r); do
        [ -x "$dir/postgres" ] && { echo "$dir"; return; }
    done
    path=$(command -v postgres 2>/dev/null) && dirname "$path" && return
    echo "test-cluster: PostgreSQL's server programs are missing; on Debian: apt-get install postgresql" >&2
    exit 1
}

url() { echo "postgresql://$user@/postgres?host=$(printf %s "$socket" | sed 's|/|%2F|g')"; }

running() { [ -s "$data/postmaster.pid" ] && as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

private_dir() {
    mkdir -m 700 "$1" 2>/dev/null || true
    chown "$account" "$1"
    # Somebody else may have made it first: /tmp is everybody's.
    [ -d "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %U "$1")" = "$account" ] || { echo "test-cluster: $1 is not ours" >&2; exit 1; }
    chmod 700 "$1"
}

start() {
    if [ -e "$data/PG_VERSION" ] && [ "$(cat "$data/PG_VERSION")" != "$("$bin/postgres" --version | sed 's/.*PostgreSQL) \([0-9]*\).*/\1/')" ]; then
        rm -rf "$data" # made by another version
    fi
    if ! running; then
        private_dir "$socket"
        if [ ! -e "$data/PG_VERSION" ]; then
            rm -rf "$data" "$data.new"
            private_dir "$data.new"
            (cd / && as "$bin/initdb" -D "$data.new" -U "$user" -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null)
            mv "$data.new" "$data"
        fi
        # Sized for two cores; hundreds of small databases, none of which has to survive a crash.
        (cd / && as "$bin/pg_ctl" -D "$data" -w -t 60 -l "$data/server.log" start -o "-c listen_addresses='' \
            -c unix_socket_directories='$socket' -c unix_socket_permissions=0700 -c port=5432 -c max_connections=300 \
            -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=128MB -c max_wal_size=2GB \
            -c autovacuum_max_workers=1 -c max_parallel_workers_per_gather=0 -c jit=off -c timezone=UTC \
            -c log_min_messages=warning -c log_min_error_statement=panic" >/dev/null </dev/null 2>&1) || {
            tail -n 20 "$data/server.log" >&2
            exit 1
        }
    fi
    url | tee "$target/tmp/test-cluster.url"
}

stop() {
    if running; then (cd / && as "$bin/pg_ctl" -D "$data" -m immediate -w stop >/dev/null); fi
}

bin=$(programs)
case "${1:-}" in
start | stop)
    # Test processes start all at once. The server must not inherit the lock.
    exec 9>"$target/tmp/test-cluster.lock"
    flock 9
    case "$1" in start) start 9>&- ;; stop) stop 9>&- ;; esac
    ;;
url) url ;;
*) echo "usage: deploy/test-cluster.sh start|stop|url" >&2; exit 2 ;;
esac
