"""Measures NeuroLink beside others in one run, by turns, and prints one table: deploy/bench.sh calls it once everything it needs is
there. Progress on standard error, the table (or JSON) on standard output; exit code 3 when a target isn't met."""

import argparse
import datetime
import json
import os
import platform
import sys
import time

from figures import chart, row, table
from measures import Bench
from server import Server

SIZES = {
    False: {"quick": False, "events": 50_000, "seconds": 8, "rounds": 5},
    True: {"quick": True, "events": 10_000, "seconds": 3, "rounds": 1},
}


class Run:
    """Rounds by turns, and the rows they come to."""

    def __init__(self, bench, rounds, out):
        self.bench, self.rounds, self.out, self.rows, self.skipped = bench, rounds, out, [], []

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=self.out, flush=True)

    def by_turns(self, **measures):
        """Every measure once a round, in an order that turns: nobody always runs in another's wake. What can't be measured here is
        left out and said."""
        samples = {name: [] for name in measures}
        names = list(measures)
        for turn in range(self.rounds):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                if name not in samples:
                    continue
                began = time.monotonic()
                try:
                    value = measures[name]()
                except (RuntimeError, OSError) as error:
                    self.say(f"  {name} is left out: {error}")
                    self.skipped.append(name)
                    del samples[name]
                    continue
                samples[name].append(value)
                shown = value if isinstance(value, (int, float)) else value.get("per_second") or next(iter(value.values()))
                shown = shown[0] if isinstance(shown, list) else shown
                self.say(f"  round {turn + 1}/{self.rounds} {name}: {shown:,.0f}/s in {time.monotonic() - began:.0f} s")
        return samples

    def add(self, *args, **more):
        self.rows.append(row(*args, **more))

    def beside(self, name, ours, samples, peer, target, unit):
        if ours and samples.get(peer):
            self.add(name, ours, samples[peer], target, unit)

    def wake(self):
        self.say("wake: single inserts by SQL, gated, without NOTIFY, always")
        f = self.bench.own("wake", self.rounds)
        self.add("wake, beside no NOTIFY at all", f["gated"], f["without NOTIFY"], 0.85, "inserts/s")
        self.add("wake, beside one NOTIFY each", f["gated"], f["always NOTIFY"], 2, "inserts/s")

    def ingest(self):
        self.say("ingest: POST /v1/events over 64 connections, and what it is compared with")
        b = self.bench
        s = self.by_turns(ours=b.our_http, fastapi=b.fastapi, bare=b.bare, same=b.same, notifyd=b.notifyd,
                          both=lambda: b.own("both"))
        ours = [loaded["per_second"] for loaded in s.get("ours", [])]
        for peer in ("fastapi", "notifyd"):
            s[peer] = [loaded["per_second"] for loaded in s.get(peer, [])]
        self.beside("ingest, beside FastAPI + asyncpg", ours, s, "fastapi", 12, "events/s")
        self.beside("ingest, beside notifyd", ours, s, "notifyd", None, "events/s")
        self.beside("ingest, beside bare pgbench inserts", ours, s, "bare", 0.95, "events/s")
        self.beside("ingest, beside pgbench, same row", ours, s, "same", 2, "events/s")
        if ours:
            self.add("ingest p99", [loaded["p99_ms"] for loaded in s["ours"]], [], 15, "ms", at_least=False, absolute=True)
        both = [f["stored"][0] for f in s.get("both", [])]
        self.beside("both at once, beside bare pgbench", both, s, "bare", 0.5, "events/s")
        if both:
            left = [f["still queued at the end"][0] / f["stored"][0] for f in s["both"]]
            # A backlog of less than half a second of events is work under way, not a backlog that grows.
            self.add("both at once, seconds of events queued", left, [], 0.5, "s", at_least=False, absolute=True)

    def drain(self):
        self.say(f"drain: {self.bench.size['events']} events, and no-op jobs in others' queues")
        b = self.bench
        spent = []

        def ours():
            before = b.server.cpu_seconds()
            figures = b.own("drain")
            spent.append(b.server.cpu_seconds() - before)
            return {"per_second": figures["drained"][0], **figures}

        s = self.by_turns(ours=ours, graphile=b.graphile, pgboss=b.pgboss, procedure=b.procedure, awa=b.awa,
                          procrastinate=b.procrastinate)
        drained = [f["per_second"] for f in s.get("ours", [])]
        self.beside("drain, beside graphile-worker's no-ops", drained, s, "graphile", 1.3, "events/s")
        self.beside("drain, beside pg-boss's no-ops", drained, s, "pgboss", 1, "events/s")
        self.beside("drain, beside an SQL procedure, same rows", drained, s, "procedure", 0.85, "events/s")
        self.beside("drain, beside awa's no-ops", drained, s, "awa", None, "events/s")
        self.beside("drain, beside procrastinate's no-ops", drained, s, "procrastinate", None, "events/s")
        for name, unit in (("WAL per event", "bytes"), ("our CPU per 1000 events", "s"), ("resident, draining", "MB")):
            samples = [f[name][0] for f in s.get("ours", []) if name in f]
            if samples:
                self.add(name, samples, [], None, unit, absolute=True)
        if drained:
            per_thousand = [seconds / b.size["events"] * 1000 for seconds in spent[: len(drained)]]
            self.add("PostgreSQL's CPU per 1000 events, their insert included", per_thousand, [], None, "s", absolute=True)

    def latency(self):
        self.say("latency: commit to SSE frame, with nothing else to do")
        f = self.bench.own("latency", self.rounds)
        for share, limit in (("p50", 10), ("p99", 50)):
            self.add(f"commit to frame, {share}", f[f"commit to frame, {share}"], [], limit, "ms", at_least=False, absolute=True)
            self.add(f"a bare NOTIFY, {share}", f[f"NOTIFY round trip, {share}"], [], None, "ms", absolute=True)

    def growth(self):
        self.say("growth: claims while few and while many jobs wait")
        f = self.bench.own("growth", self.rounds)
        for name, samples in f.items():
            if "÷" in name:
                self.add(f"claim: {name}", samples, [], 1.5, "×", at_least=False, absolute=True)

    def streams(self):
        self.say("streams: thousands of SSE readers")
        f = self.bench.own("streams", self.rounds)
        limits = {"memory each": 22, "reached all": 300}
        most = max(int(name.split()[0]) for name in f)
        for name, samples in f.items():
            # Of few readers, the memory of one is mostly everybody's share of the rest.
            held = limits if name.startswith(f"{most} ") else {}
            limit = next((value for part, value in held.items() if part in name), None)
            unit = "KiB" if "memory" in name else "ms"
            if "memory" in name:
                # Later rounds sit in what earlier ones have left: the largest is what readers take of a fresh process.
                samples = [max(samples)]
            self.add(name, samples, [], limit, unit, at_least=False, absolute=True)

    def rules(self):
        self.say("rules: ten about an event's type, alone and with 1000 others beside them")
        f = self.bench.own("rules", self.rounds)
        for name, samples in f.items():
            unit = "×" if "÷" in name else "events/s" if name.startswith("drained") else "µs"
            self.add(f"rules: {name}", samples, [], 2 if "÷" in name else None, unit, at_least=False, absolute=True)

    def backtest(self):
        self.say("backtest: a rule tried on a million past events")
        f = self.bench.own("backtest", min(self.rounds, 3))
        for name, samples in f.items():
            if name.endswith("a million events"):
                self.add(name, samples, [], 30, "s", at_least=False, absolute=True)

    def idle(self):
        self.say("idle: memory at rest, size of the program")
        rested = self.by_turns(idle=self.bench.idle)["idle"]
        self.add("idle, resident", rested, [], 30, "MB", at_least=False, absolute=True)
        size = os.path.getsize(self.bench.program) / 1e6
        self.add("the program", [size], [], None, "MB", absolute=True)


WITHOUT_TARGET = {"awa", "notifyd", "procrastinate"}
ROWS = ["wake", "ingest", "drain", "rules", "backtest", "latency", "growth", "streams", "idle"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append", choices=ROWS)
    parser.add_argument("--chart")
    args = parser.parse_args()

    size = SIZES[args.quick]
    rounds = args.rounds or size["rounds"]
    with Server() as server:
        bench = Bench(server, args.program, args.tools, size)
        bench.fresh("ours")
        run = Run(bench, rounds, sys.stderr)
        try:
            for name in args.only or ROWS:
                getattr(run, name)()
        finally:
            bench.end_all()
    version = bench.neurolink("--version").split()[-1]
    cores = len(os.sched_getaffinity(0))
    caption = (f"{datetime.date.today()}, NeuroLink {version}, {platform.machine()}, {cores} cores, {rounds} rounds; "
               "the mark is the target")
    if args.chart:
        with open(args.chart, "w", encoding="utf-8") as file:
            file.write(chart(run.rows, caption))
    if args.json:
        print(json.dumps({"rows": run.rows, "skipped": run.skipped, "measured": caption}, ensure_ascii=False, indent=2))
    else:
        print(table(run.rows))
        print(f"\n{caption}")
        if run.skipped:
            print(f"left out here: {', '.join(run.skipped)}")
    # A target whose other side couldn't be measured is not met either.
    untold = set(run.skipped) - WITHOUT_TARGET
    return 3 if untold or any(r["met"] is False for r in run.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
