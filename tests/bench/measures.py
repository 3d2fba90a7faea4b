"""One function a measurement of one round: our own by `neurolink bench`, the others as their users would run them. Each gives its
samples by name."""

import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from server import free_port

HERE = Path(__file__).parent
PEERS = HERE / "peers"
QUERIES = HERE.parent.parent / "sql" / "queries" / "bench"
BODY = json.dumps({
    "source_module": "bench", "event_type": "invoice.overdue", "idempotency_key": "load-@n@", "branch_id": "B1",
    "entity_type": "invoice", "entity_id": "4711",
    "payload": {"invoice_id": 4711, "invoice_number": "INV-4711", "customer_name": "Al-Rafidain Trading", "kind": 7,
                "days_overdue": 12, "amount": 1250000, "currency": "IQD"},
})
TIMEOUT = 1800


def text(command, env=None):
    """What a program printed; its own words when it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=TIMEOUT,
                          env={**os.environ, **(env or {})})
    if done.returncode:
        raise RuntimeError(f"{Path(str(command[0])).name}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


class Bench:
    """What the measurements share: the server, our program, where the peers are, how much of everything."""

    def __init__(self, server, program, tools, size):
        self.server, self.program, self.tools, self.size = server, Path(program).resolve(), Path(tools).resolve(), size
        self.secret = secrets.token_hex(32)
        self.running = []
        self.ready = set()

    def settings(self, database):
        # Nothing of whoever runs this reaches the measured program.
        return {"DATABASE_URL": self.server.url(database), "JWT_SECRET_KEY": self.secret, "NEUROLINK_LOG": "warn",
                "NEUROLINK_DATA_DIR": str(self.tools / "data"), "REDIS_URL": "", "SMTP_ENABLED": ""}

    def neurolink(self, *args, database="ours"):
        return text([self.program, "--env-file", "/dev/null", *args], self.settings(database))

    def own(self, what, rounds=1):
        """Figures of `neurolink bench WHAT`, by name: the samples of its rounds."""
        size = ["--quick"] if self.size["quick"] else []
        size += ["--rounds", rounds]
        if what == "drain":
            size += ["--events", self.size["events"]]
        report = json.loads(self.neurolink("bench", what, *size, "--json"))
        return {figure["name"]: figure["samples"] for figure in report["figures"]}

    def fresh(self, database, migrated=False):
        """A database made once a run."""
        if database not in self.ready:
            self.server.database(database)
            if migrated:
                self.neurolink("migrate", database=database)
            self.ready.add(database)
        return self.server.url(database)

    def start(self, command, port, env=None):
        """A server of ours or of a peer, once it listens on the loopback."""
        log = tempfile.TemporaryFile(mode="w+")
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self.running.append(process)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        log.seek(0)
        raise RuntimeError(f"{Path(str(command[0])).name} doesn't listen: {log.read()[-1000:]}")

    def end(self, process):
        self.running.remove(process)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end_all(self):
        for process in list(self.running):
            self.end(process)

    # The drain and its peers: jobs per second.

    def queue(self, program, script, jobs):
        database = Path(script).stem.split("_")[0]
        url = self.fresh(database)
        return json.loads(text([program, PEERS / script, url, jobs]))["per_second"]

    def graphile(self):
        return self.queue("node", self.script("graphile.mjs"), self.size["events"])

    def pgboss(self):
        return self.queue("node", self.script("pgboss.mjs"), self.size["events"])

    def procrastinate(self):
        # Slow enough that a fiftieth says it all.
        return self.queue(self.tools / "venv/bin/python", "procrastinate_drain.py", max(500, self.size["events"] // 50))

    def awa(self):
        if not (self.tools / "cargo/bin/bench-awa").exists():
            raise RuntimeError("it is not built (deploy/bench.sh --with-rust-peers builds it)")
        url = self.fresh("awa")
        return json.loads(text([self.tools / "cargo/bin/bench-awa", url, self.size["events"]]))["per_second"]

    def script(self, name):
        """A copy beside node_modules, where Node.js looks for what it imports."""
        copy = self.tools / name
        copy.write_text((PEERS / name).read_text())
        return copy

    def procedure(self):
        self.fresh("procedure", migrated=True)
        events, sql = self.size["events"], self.server.psql
        query = lambda name: (QUERIES / f"{name}.sql").read_text()
        sql(query("empty") + "; truncate neurolink_users;" + (PEERS / "procedure.sql").read_text()
            + f"; prepare people(int) as {query('people')}; execute people(100);"
            + "insert into neurolink_inboxes (user_id) select id from neurolink_users;"
            + f"prepare events(int, int, int) as {query('events')}; execute events({events}, 50, 20);", "procedure")
        sql("vacuum analyze", "procedure")
        self.server.calm()
        began = time.perf_counter()
        sessions = [subprocess.Popen(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", str(PEERS / "procedure_drain.sql"),
                                      self.server.url("procedure")], stderr=subprocess.PIPE, text=True) for _ in range(2)]
        for session in sessions:
            _, said = session.communicate(timeout=TIMEOUT)
            if session.returncode:
                raise RuntimeError(f"the procedure: {said.strip()}")
        took = time.perf_counter() - began
        wrote = sql("select count(*) from neurolink_notifications", "procedure")
        if int(wrote) != 2 * events:
            raise RuntimeError(f"the procedure wrote {wrote} notifications of {2 * events}")
        return events / took

    # Single inserts and HTTP: per second.

    def pgbench(self, database, script):
        self.server.calm()
        said = text(["pgbench", "-n", "-M", "prepared", "-c", "64", "-j", "2", "-T", self.size["seconds"], "-f", PEERS / script,
                     self.server.url(database)])
        return float(re.search(r"tps = ([0-9.]+)", said).group(1))

    def bare(self):
        if "bare" not in self.ready:
            self.fresh("bare")
            self.server.psql((PEERS / "bare.sql").read_text(), "bare")
        self.server.psql("truncate bare", "bare")
        return self.pgbench("bare", "bare_insert.sql")

    def same(self):
        self.fresh("procedure", migrated=True)
        self.server.psql((QUERIES / "empty.sql").read_text(), "procedure")
        return self.pgbench("procedure", "same_insert.sql")

    def token(self):
        return self.neurolink("token", "--sub", "erp", "--roles", "producer", "--expires", "12h").strip()

    def load(self, port, path, header, body):
        self.server.calm()
        loaded = json.loads(text([self.program, "bench", "load", "--address", f"127.0.0.1:{port}", "--path", path, "--header",
                                  header, "--body", body, "--connections", "64", "--seconds", self.size["seconds"]]))
        if loaded["refused"] or not loaded["answered"]:
            raise RuntimeError(f"{path}: {loaded['answered']} answered, {loaded['refused']} refused: "
                               f"{loaded['first_refusal']}")
        return loaded

    def our_http(self):
        self.fresh("ours_http", migrated=True)
        self.server.psql((QUERIES / "empty.sql").read_text(), "ours_http")
        port = free_port()
        env = {**self.settings("ours_http"), "NEUROLINK_LISTEN": f"127.0.0.1:{port}"}
        serving = self.start([self.program, "--env-file", "/dev/null", "serve", "--no-worker"], port, env)
        try:
            return self.load(port, "/v1/events", f"Authorization: Bearer {self.token()}", BODY)
        finally:
            self.end(serving)

    def fastapi(self):
        url = self.fresh("fastapi", migrated=True)
        self.server.psql((QUERIES / "empty.sql").read_text(), "fastapi")
        port = free_port()
        serving = self.start([self.tools / "venv/bin/python", PEERS / "fastapi_ingest.py", url, "public", port, self.secret], port)
        try:
            return self.load(port, "/v1/events", f"Authorization: Bearer {self.token()}", BODY)
        finally:
            self.end(serving)

    def notifyd(self):
        """notifyd listens on every address and can't be told otherwise, so it gets a network of its own: a namespace with
        nothing but a loopback, PostgreSQL by its socket, and the load generator beside it."""
        program = self.tools / "cargo/bin/notifyd"
        if not program.exists():
            raise RuntimeError("it is not built (deploy/bench.sh --with-rust-peers builds it)")
        self.fresh("notifyd")
        where = self.server.socket_url("notifyd")
        key, port = "bench-" + self.secret[:24], 3400
        apart = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        env = {"DATABASE_URL": where, "PORT": str(port), "JWT_SECRET": self.secret, "ADMIN_API_KEY": self.secret,
               "RUST_LOG": "warn", "NOTIFYD_CONFIG": "/nonexistent", "DATABASE_MAX_CONNECTIONS": "10"}
        # The namespace lives as long as the shell; what it runs waits until notifyd answers.
        body = json.dumps({"channel": "in_app", "subscriber_id": "u1", "subject": "Invoice INV-4711 is overdue",
                           "body": "Invoice INV-4711 for Al-Rafidain Trading is 12 days overdue", "idempotency_key": "load-@n@"})
        hashed = hashlib.sha256(key.encode()).hexdigest()
        project = ("insert into projects (id, api_key_hash, name, channels, rate_limit_per_min) values "
                   f"('bench', '{hashed}', 'bench', '{{in_app}}', 1000000000) on conflict (id) do update set "
                   "api_key_hash = excluded.api_key_hash")
        script = """
            set -eu
            ip link set lo up
            "$NOTIFYD" >&2 & serving=$!
            trap 'kill $serving 2>/dev/null || true' EXIT
            for turn in $(seq 200); do
                (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null && break
                sleep 0.05
            done
            psql -Xq -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "$PROJECT" >&2
            "$NEUROLINK" bench load --address 127.0.0.1:$PORT --path /v1/send --header "X-Api-Key: $KEY" --body "$BODY" \
                --connections 64 --seconds "$SECONDS_EACH"
        """
        env |= {"NOTIFYD": str(program), "NEUROLINK": str(self.program), "KEY": key, "BODY": body, "PROJECT": project,
                "SECONDS_EACH": str(self.size["seconds"])}
        self.server.calm()
        loaded = json.loads(text([*apart, "bash", "-c", script], env))
        # Of two requests at once that it takes for one it refuses one; a handful of thousands changes no figure.
        if loaded["refused"] * 1000 > loaded["answered"] or not loaded["answered"]:
            raise RuntimeError(f"{loaded['answered']} answered, {loaded['refused']} refused: {loaded['first_refusal']}")
        return loaded

    # Our own, at rest.

    def idle(self):
        self.fresh("ours_http", migrated=True)
        port = free_port()
        env = {**self.settings("ours_http"), "NEUROLINK_LISTEN": f"127.0.0.1:{port}"}
        serving = self.start([self.program, "--env-file", "/dev/null", "serve"], port, env)
        try:
            # Long enough to have connected, loaded the rules and gone to sleep.
            time.sleep(8)
            status = Path(f"/proc/{serving.pid}/status").read_text()
            return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024 / 1e6
        finally:
            self.end(serving)
