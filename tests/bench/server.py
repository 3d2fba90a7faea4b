"""A private PostgreSQL for one comparison: on 127.0.0.1 and a Unix socket, durable (fsync and synchronous_commit on), gone with the
run. From server programs to URLs; initdb refuses root, so root lends it to the account `postgres`."""

import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "max_connections": "300",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "fatal",
}


def programs():
    """The newest server programs there are."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: float(p.split("/")[4]), reverse=True)
    path = found[0] if found else shutil.which("postgres")
    if not path:
        raise SystemExit("PostgreSQL's server programs are missing; on Debian: apt-get install postgresql")
    return os.path.dirname(os.path.realpath(path))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running cluster; a context manager."""

    def __init__(self):
        self.bin = programs()
        self.dir = tempfile.mkdtemp(prefix="neurolink-bench-", dir="/var/tmp")
        self.data = os.path.join(self.dir, "data")
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self.account:
            os.chown(self.dir, self.account.pw_uid, self.account.pw_gid)

    def run(self, *command):
        who = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if self.account else {}
        done = subprocess.run(command, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **who)
        if done.returncode:
            raise SystemExit(f"{os.path.basename(command[0])} failed:\n{done.stdout}")

    def __enter__(self):
        try:
            secret = os.path.join(self.dir, "password")
            with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(self.password)
            if self.account:
                os.chown(secret, self.account.pw_uid, self.account.pw_gid)
            self.run(f"{self.bin}/initdb", "-D", self.data, "-U", "bench", "-A", "scram-sha-256", f"--pwfile={secret}",
                     "-E", "UTF8", "--locale=C.UTF-8")
            options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
            options += f" -c port={self.port} -c unix_socket_directories={self.dir}"
            # The log is a file: a pipe of ours would be waited for as long as the server lives.
            self.run(f"{self.bin}/pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", f"{self.dir}/log", "start", "-o", options)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.run(f"{self.bin}/pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database="postgres"):
        return f"postgresql://bench:{self.password}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database):
        """By the Unix socket, for whoever lives in a network of its own."""
        return f"postgresql://bench:{self.password}@localhost:{self.port}/{database}?host={self.dir.replace('/', '%2F')}"

    def psql(self, sql, database="postgres", variables=None):
        """Runs SQL, gives what the last statement printed."""
        given = [f"-v{name}={value}" for name, value in (variables or {}).items()]
        done = subprocess.run(["psql", "-XqtA", "-v", "ON_ERROR_STOP=1", *given, self.url(database)], input=sql,
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def database(self, name):
        """A fresh, empty database. Gives its URL."""
        self.psql(f"drop database if exists {name} with (force)")
        self.psql(f"create database {name}")
        return self.url(name)

    def calm(self):
        """Writes out what earlier rounds left, so that nobody pays for another."""
        self.psql("checkpoint")
        time.sleep(0.5)

    def cpu_seconds(self):
        """Processor time of the server, all its processes, those that have ended included."""
        with open(os.path.join(self.data, "postmaster.pid")) as file:
            postmaster = int(file.readline())
        total = 0
        for pid in [postmaster, *children(postmaster)]:
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            # Its own; of the postmaster, also those it has seen end.
            total += sum(int(fields[at]) for at in ((11, 12, 13, 14) if pid == postmaster else (11, 12)))
        return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []
