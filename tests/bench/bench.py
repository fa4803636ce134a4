"""Lets proxies do the same work in turn and compares what it costs them. tools/bench starts it.

Usage: bench.py --programs=FOLDER [--quick] [--json=FILE]
"""

import argparse
import collections
import contextlib
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time

from machine import OtherLoad, cores, describe, raise_descriptor_limit
from proxies import Agw, CORE, Certificates, HaProxy, Nginx, PATIENCE, Stunnel

PHONE = "127.0.0.30"
REFERENCE = HaProxy.name

# Of the cores, on average over a measurement: what others take from there on shows in the figures, but for memory.
DISTURBANCE = 0.1

# Rows of the table. `amount`: of the load, and with --quick. `reference`: the figure of the reference the ratio is to.
Figure = collections.namedtuple("Figure", "title unit decimals scale reference", defaults=[None])
FIGURES = {
    "up_s_per_gb": Figure("bulk up (decrypt)", "s/GB", 3, 1),
    "down_s_per_gb": Figure("bulk down (encrypt)", "s/GB", 3, 1),
    "round_trip_us": Figure("1 KiB round trip", "us", 1, 1),
    "setup_us": Figure("session set-up", "us", 0, 1),
    "setup_data_plane_us": Figure("  data plane alone", "us", 0, 1, "setup_us"),
    "setup_control_plane_us": Figure("  Iq, events, log", "us", 0, 1, "setup_us"),
    "idle_bytes": Figure("memory, idle session", "kB", 1, 1e-3),
    "waiting_bytes": Figure("memory, waiting session", "kB", 1, 1e-3),
    "round_trip_p50_us": Figure("round trip, p50", "us", 0, 1),
    "round_trip_p99_us": Figure("round trip, p99", "us", 0, 1),
}

MEMORY = ("idle_bytes", "waiting_bytes")

# Of the load's works: how it is told how much, and with --quick; its figures by their name here.
Work = collections.namedtuple("Work", "arguments amount quick figures")
WORKS = {
    "up": Work(["--sessions=20"], "--amount=30000000", "--amount=15000000", {"s_per_gb": "up_s_per_gb"}),
    "down": Work(["--sessions=20"], "--amount=30000000", "--amount=15000000", {"s_per_gb": "down_s_per_gb"}),
    "ping": Work(["--sessions=50"], "--amount=40000", "--amount=20000",
                 {"us_per_round_trip": "round_trip_us", "p50_us": "round_trip_p50_us", "p99_us": "round_trip_p99_us"}),
    "setup": Work([], "--sessions=600", "--sessions=400",
                  {"us_per_setup": "setup_us", "us_per_setup_data_plane": "setup_data_plane_us",
                   "us_per_setup_control_plane": "setup_control_plane_us"}),
    "idle": Work([], "--sessions=2000", "--sessions=500", {"bytes_per_session": "idle_bytes"}),
    "waiting": Work([], "--sessions=2000", "--sessions=500", {"bytes_per_session": "waiting_bytes"}),
}


class Samples:
    """What was measured, by proxy and figure, each with the cores that others took meanwhile."""

    def __init__(self):
        self._samples = collections.defaultdict(lambda: collections.defaultdict(list))

    def add(self, proxy, figure, value, others):
        self._samples[proxy][figure].append((value, others))

    def quiet_count(self, proxy, figure):
        return sum(others < DISTURBANCE for _, others in self._samples[proxy][figure])

    def report(self):
        """Of each figure the median and the range: of the undisturbed samples, or of all if there are too few."""
        report = {}
        for proxy, figures in self._samples.items():
            for figure, samples in figures.items():
                quiet = [value for value, others in samples if others < DISTURBANCE or figure in MEMORY]
                used = quiet if len(quiet) >= min(2, len(samples)) else [value for value, _ in samples]
                report.setdefault(proxy, {})[figure] = {
                    "median": statistics.median(used), "min": min(used), "max": max(used), "samples": len(used),
                    "disturbed": used is not quiet}
        return report


class Bench:

    def __init__(self, programs, folder, quick):
        self._programs, self._folder, self._quick = programs, folder, quick
        self._certificates = Certificates(folder)
        self._proxy_core, self._load_core = cores()
        self.samples = Samples()
        self.failures = []

    def proxies(self):
        arguments = self._folder, self._certificates, self._proxy_core
        return [HaProxy(*arguments), Nginx(*arguments), Stunnel(*arguments), Agw(*arguments, self._programs)]

    def measure(self, proxy, name, label):
        work = WORKS[name]
        if sys.stderr.isatty():
            print(f"\r\033[K{label}: {name}, {proxy.name}", end="", file=sys.stderr, flush=True)
        pids = proxy.pids()
        others = OtherLoad(pids)
        try:
            result = subprocess.run(
                ["taskset", "-c", str(self._load_core), f"{self._programs}/tests/bench/proxy_load", f"--work={name}",
                 *work.arguments, work.quick if self._quick else work.amount, f"--pids={','.join(map(str, pids))}",
                 f"--core={CORE}", f"--phone={PHONE}", f"--certificate={self._certificates.phone}",
                 f"--key={self._certificates.phone_key}", *proxy.load_arguments()],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3 * PATIENCE, check=True)
        except subprocess.CalledProcessError as error:
            self.failures.append(f"{proxy.name}, {name}: {error.stderr.strip()[-500:]}")
            return
        except subprocess.TimeoutExpired:
            self.failures.append(f"{proxy.name}, {name}: not within {3 * PATIENCE} s")
            return
        cores_of_others = others.take()
        for figure, value in json.loads(result.stdout).items():
            if figure in work.figures:
                self.samples.add(proxy.name, work.figures[figure], value, cores_of_others)

    def rounds(self, count, end):
        """Each work by each proxy `count` times, in turn. Then, until the monotonic time `end`, again what was disturbed."""
        with contextlib.ExitStack() as stack:
            proxies = [stack.enter_context(proxy) for proxy in self.proxies()]
            for number in range(count):
                for name in ("up", "down", "ping", "setup"):
                    for proxy in proxies:
                        self.measure(proxy, name, f"round {number + 1} of {count}")
            while not self.failures and (lacking := [
                    (name, proxy) for name in ("up", "down", "ping", "setup") for proxy in proxies
                    if self.samples.quiet_count(proxy.name, next(iter(WORKS[name].figures.values()))) < 2]):
                for name, proxy in lacking:
                    if time.monotonic() > end:
                        return
                    self.measure(proxy, name, "again, undisturbed")

    def memory(self, count):
        """In a fresh process each time. Others do not disturb that."""
        for number in range(count):
            for name in ("idle", "waiting"):
                for proxy in self.proxies():
                    if name == "idle" or isinstance(proxy, Agw):
                        with proxy:
                            self.measure(proxy, name, f"memory, {number + 1} of {count}")


def ratios(figures):
    result = {}
    for proxy, of_proxy in figures.items():
        for name, value in of_proxy.items():
            reference = figures.get(REFERENCE, {}).get(FIGURES[name].reference or name)
            if proxy != REFERENCE and reference and reference["median"]:
                result.setdefault(proxy, {})[name] = value["median"] / reference["median"]
    return result


def print_table(report):
    print(f"Each on one core of: {report['machine']}. CPU of the proxy per unit, median ± half the range of the rounds; "
          f"ratios to {REFERENCE}.")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    print()
    names = [name for name in report["versions"] if name in report["figures"]]
    print(f"{'':31}" + "".join(f"{name:>13}{'' if name == REFERENCE else '  ratio':7}" for name in names).rstrip())
    for key, figure in FIGURES.items():
        if not any(key in report["figures"][name] for name in names):
            continue
        line = f"{figure.title + ', ' + figure.unit:31}"
        for name in names:
            value = report["figures"][name].get(key)
            text = "-"
            if value:
                half = (value["max"] - value["min"]) / 2 / (value["median"] or 1)
                text = f"{'~' if value['disturbed'] else ''}{value['median'] * figure.scale:.{figure.decimals}f} ±{half:3.0%}"
            ratio = report["ratios"].get(name, {}).get(key)
            line += f"{text:>13}" + ("" if name == REFERENCE else f"{ratio:7.2f}" if ratio else " " * 7)
        print(line.rstrip())
    if any(value["disturbed"] for figures in report["figures"].values() for value in figures.values()):
        print("\n~ others used the cores meanwhile, which makes each octet and message dearer, and not all proxies alike.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    raise_descriptor_limit()

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.programs, folder, options.quick)
        bench.memory(1)
        bench.rounds(2 if options.quick else 5, start + (55 if options.quick else 280))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)

    figures = bench.samples.report()
    report = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": describe(),
              "quick": options.quick, "seconds": round(time.monotonic() - start),
              "versions": {proxy.name: proxy.version() for proxy in bench.proxies()}, "figures": figures,
              "ratios": ratios(figures), "failures": bench.failures}
    print_table(report)
    for failure in bench.failures:
        print(f"DID NOT RUN: {failure}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
