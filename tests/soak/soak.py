#!/usr/bin/python3
"""The soak test: a real hubd under everything at once, for minutes or hours,
and a strict judge. `./dev soak [minutes]` builds and runs it.

soak_driver generates the load and judges the messages; here hubd is started,
watched, told to reread its files, and drained at the end. Exit status 0: no
message was wrong, and hubd used no more resources at the end than at the
beginning.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import time
from http.client import HTTPException

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# pylint: disable=wrong-import-position
import table  # noqa: E402
import watch  # noqa: E402
from driver import Driver  # noqa: E402
from harness.wait import ROOT, sanitizer, scaled  # noqa: E402
from target import SHUTDOWN_TIMEOUT, Target  # noqa: E402

SAMPLE_S = 1.0
SIGHUP_S = 15.0
PROGRESS_S = 5.0
PROGRESS_LOGGED_S = 60.0
SETTLE_S = 30.0
DRAIN_CLIENTS = 400
TURNS = 3  # of each worker, before anything is measured
EVERYTHING_S = 60.0  # in that time everything happens at least once


class Soak:

    def __init__(self, options):
        self.options = options
        self.hub = Target()
        self.before = self.after = None
        self.samples = []
        self.reasons = []
        self.interrupted = False
        self.outcome = {"sighups": 0, "options": vars(options)}

    # -- the run ----------------------------------------------------------

    def run(self):
        try:
            self.hub.start()
            self.warm_up()
            self.before = watch.take(self.hub, 0)
            self.outcome["load"] = self.load()
            self.settle()
            if not self.interrupted:
                self.drain()
        except (AssertionError, OSError, HTTPException) as error:
            self.reasons.append(f"{error!r}")
        except KeyboardInterrupt:
            self.interrupted = True
            if "load" not in self.outcome:
                self.reasons.append("interrupted before it could be judged")
        finally:
            self.end()
        return self.conclude()

    def warm_up(self):
        """Every worker thread has its turn, and takes what it takes once."""
        message = b'{"type":"t","payload":"' + b"x" * 300_000 + b'"}'
        workers = int(self.hub.wait_log("listening")["workers"])
        for _ in range(TURNS * workers):
            self.hub.send(message, user="nobody")

    def load(self):
        o = self.options
        driver = Driver(self.hub, seconds=o.minutes * 60, clients=o.clients,
                        broadcasts=o.broadcasts, sends=o.sends, seed=o.seed)
        try:
            try:
                self.attend(driver)
            except KeyboardInterrupt:
                self.interrupted = True
                print("\nending …", flush=True)
                driver.interrupt()
            return driver.finish(scaled(120))
        finally:
            driver.kill()

    def attend(self, driver):
        started = next_sighup = next_line = time.monotonic()
        next_sighup += min(SIGHUP_S, self.options.minutes * 60 / 4)
        while driver.is_running():
            time.sleep(SAMPLE_S)  # the pace of sampling
            now = time.monotonic()
            if now - started > self.options.minutes * 60 or not driver.last:
                continue  # everybody leaves: no time for comparing
            sample = watch.take(self.hub, now - started)
            self.samples.append(sample)
            if now >= next_sighup:
                self.hub.signal(signal.SIGHUP)
                self.outcome["sighups"] += 1
                next_sighup += SIGHUP_S
            if now >= next_line:
                print(table.progress(driver.last, sample), flush=True)
                next_line = now + (PROGRESS_S if sys.stdout.isatty()
                                   else PROGRESS_LOGGED_S)

    def settle(self):
        """Takes the sample of afterwards when it is as good as it gets."""
        self.hub.wait_connections(0, 20)
        deadline = time.monotonic() + scaled(SETTLE_S)
        while True:
            self.after = watch.take(self.hub, 0)
            if (time.monotonic() > deadline or
                    not watch.judge(self.before, self.samples, self.after,
                                    not sanitizer())):
                return
            time.sleep(0.5)  # the pace of asking

    def drain(self):
        clients = min(DRAIN_CLIENTS, self.options.clients)
        driver = Driver(self.hub, drain=True, clients=clients,
                        broadcasts=self.options.broadcasts * 5,
                        sends=self.options.sends * 5)
        try:
            driver.ready.wait(scaled(60))
            began = time.monotonic()
            self.hub.signal(signal.SIGTERM)
            status = self.hub.wait_exit(SHUTDOWN_TIMEOUT + 5)
            took = time.monotonic() - began
            result = driver.finish(scaled(90))
        finally:
            driver.kill()
        self.outcome.update(drain=result, drain_s=took, exit_status=status)
        if status != 0:
            self.reasons.append(f"hubd's exit status was {status}"
                                + self.hub.tail())
        if took > scaled(SHUTDOWN_TIMEOUT + 1):
            self.reasons.append(f"the drain took {took:.1f} s")
        if result["drained"] != clients:
            self.reasons.append(f"only {result['drained']} of {clients} "
                                "clients got their Close 1001")

    def end(self):
        try:
            self.hub.stop()
        except AssertionError as error:
            self.reasons.append(f"{error}")
        finally:
            self.hub.discard()

    # -- the outcome --------------------------------------------------------

    def conclude(self):
        for phase in ("load", "drain"):
            result = self.outcome.get(phase)
            if result is None:
                continue
            if result["wrongs"] != 0:
                self.reasons.append(f"{phase}: " + table.pairs(
                    result, [n for n in table.WRONGS if result[n] != 0]))
                self.reasons += result["faults"]
        self.reasons += watch.judge(self.before, self.samples, self.after,
                                    not sanitizer())
        self.reasons += ["hubd complained: " + line
                         for line in self.hub.complaints]
        self.check_that_it_was_a_test()
        self.outcome.update(
            reasons=self.reasons, before=self.before, after=self.after,
            levels=watch.figures(self.before, self.samples, self.after),
            causes=self.hub.causes, samples=self.samples)
        self.add_cpu()
        return self.outcome

    def check_that_it_was_a_test(self):
        load = self.outcome.get("load")
        if load is None:
            return
        musts = ["delivered", "posted"]
        if load["seconds"] > EVERYTHING_S and not self.interrupted:
            musts += ["exact", "voluntary", "said", "pongs", "refused_400",
                      "refused_413", *table.LEFT, "slow_closed", "half_ended",
                      "garbage_closed", "vanished", "mute_cut"]
        for name in musts:
            if load[name] == 0:
                self.reasons.append(f"it tested too little: no {name}")
        if load["connections"] < self.options.clients and \
                not self.interrupted:
            self.reasons.append("it tested too little: only "
                                f"{load['connections']} connections")

    def add_cpu(self):
        if len(self.samples) < 2:
            return
        first, last = self.samples[0], self.samples[-1]
        used = last["cpu_s"] - first["cpu_s"]
        share = used / (last["seconds"] - first["seconds"])
        load = self.outcome.get("load") or {"delivered": 0, "seconds": 1}
        pace = load["delivered"] / load["seconds"]
        self.outcome.update(cpu_share=share,
                            cpu_us=share * 1e6 / pace if pace else 0)


def write_json(outcome, directory):
    directory.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    path = directory / f"soak-{stamp}-{os.getpid()}.json"
    path.write_text(json.dumps(outcome, indent=1) + "\n")
    return path


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=1500,
                        help="that behave (default: %(default)s)")
    parser.add_argument("--broadcasts", type=float, default=10.0,
                        help="a second (default: %(default)s)")
    parser.add_argument("--sends", type=float, default=200.0,
                        help="a second (default: %(default)s)")
    parser.add_argument("--seed", type=int,
                        default=int.from_bytes(os.urandom(4), "big") >> 1,
                        help="of all that is random (default: random)")
    parser.add_argument("--out", type=pathlib.Path, default=None,
                        help="directory of the JSON file (build/soak)")
    options = parser.parse_args(arguments)
    if not 0 < options.minutes < 60 * 24 * 30:
        parser.error("the minutes must be above 0")
    return options


def interrupt(*_):
    raise KeyboardInterrupt


def main(arguments):
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # nohup … & ignores SIGINT
        signal.signal(number, interrupt)
    out = options.out or ROOT / "build/soak"
    del options.out
    outcome = Soak(options).run()
    print("\n" + table.text(outcome))
    print(f"\n{write_json(outcome, out)}", flush=True)
    return 1 if outcome["reasons"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
