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
from proxies import Agw, CORE, Certificates, HaProxy, Limit, Nginx, PATIENCE, Stunnel

PHONE = "127.0.0.30"
REFERENCE = HaProxy.name

# Of the cores, on average over a measurement: what others take from there on shows in the figures, but for memory.
DISTURBANCE = 0.1

# Rows of the table. `amount`: of the load, and with --quick. `reference`: the figure of the reference the ratio is to.
Figure = collections.namedtuple("Figure", "title unit decimals scale reference", defaults=[None])
FIGURES = {
    "up_s_per_gb": Figure("bulk up (decrypt)", "s/GB", 3, 1),
    "down_s_per_gb": Figure("bulk down (encrypt)", "s/GB", 3, 1),
    "msrp_up_s_per_gb": Figure("bulk up, MSRP read", "s/GB", 3, 1, "up_s_per_gb"),
    "msrp_down_s_per_gb": Figure("bulk down, MSRP read", "s/GB", 3, 1, "down_s_per_gb"),
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
    "up": Work(["--work=up", "--sessions=20"], "--amount=15000000", "--amount=10000000", {"s_per_gb": "up_s_per_gb"}),
    "down": Work(["--work=down", "--sessions=20"], "--amount=15000000", "--amount=10000000", {"s_per_gb": "down_s_per_gb"}),
    "msrp up": Work(["--work=up", "--msrp", "--sessions=20"], "--amount=15000000", "--amount=10000000",
                    {"s_per_gb": "msrp_up_s_per_gb"}),
    "msrp down": Work(["--work=down", "--msrp", "--sessions=20"], "--amount=15000000", "--amount=10000000",
                      {"s_per_gb": "msrp_down_s_per_gb"}),
    "ping": Work(["--work=ping", "--sessions=50"], "--amount=25000", "--amount=10000",
                 {"us_per_round_trip": "round_trip_us", "p50_us": "round_trip_p50_us", "p99_us": "round_trip_p99_us"}),
    "setup": Work(["--work=setup"], "--sessions=400", "--sessions=200",
                  {"us_per_setup": "setup_us", "us_per_setup_data_plane": "setup_data_plane_us",
                   "us_per_setup_control_plane": "setup_control_plane_us"}),
    "idle": Work(["--work=idle"], "--sessions=2000", "--sessions=500", {"bytes_per_session": "idle_bytes"}),
    "waiting": Work(["--work=waiting"], "--sessions=2000", "--sessions=500", {"bytes_per_session": "waiting_bytes"}),
    "flat": Work(["--work=flat"], None, None, {}),
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
        """Of each figure the median and the quartiles: of the undisturbed samples, or of all if there are too few."""
        report = {}
        for proxy, figures in self._samples.items():
            for figure, samples in figures.items():
                quiet = [value for value, others in samples if others < DISTURBANCE or figure in MEMORY]
                used = quiet if len(quiet) >= min(2, len(samples)) else [value for value, _ in samples]
                low, median, high = statistics.quantiles(used, n=4, method="inclusive") if len(used) > 1 else used * 3
                report.setdefault(proxy, {})[figure] = {
                    "median": median, "quartiles": [low, high], "samples": len(used), "disturbed": used is not quiet}
        return report


class Bench:

    def __init__(self, programs, folder, quick):
        self._programs, self._folder, self._quick = programs, folder, quick
        self._descriptor_limit = raise_descriptor_limit()
        self._certificates = Certificates(folder)
        self._proxy_core, self._load_core = cores()
        self.samples = Samples()
        self.failures = []

    def proxies(self):
        arguments = self._folder, self._certificates, self._proxy_core
        return [HaProxy(*arguments), Nginx(*arguments), Stunnel(*arguments), Agw(*arguments, self._programs)]

    def others(self):
        """Not proxies to choose from: what they are compared with, too."""
        arguments = self._folder, self._certificates, self._proxy_core, self._programs
        return [Limit(*arguments), *([] if self._quick else [Agw(*arguments, worker_count=2)])]

    def measure(self, proxy, name, label, amount=None):
        """Runs the load once. Its figures, also those that are no figures of ours; none if it failed."""
        work = WORKS[name]
        if sys.stderr.isatty():
            print(f"\r\033[K{label}: {name}, {proxy.name}", end="", file=sys.stderr, flush=True)
        pids = proxy.pids()
        others = OtherLoad(pids)
        try:
            result = subprocess.run(
                ["taskset", "-c", str(self._load_core), f"{self._programs}/tests/bench/proxy_load",
                 *work.arguments, amount or (work.quick if self._quick else work.amount), f"--pids={','.join(map(str, pids))}",
                 f"--core={CORE}", f"--phone={PHONE}", *proxy.load_arguments()],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3 * PATIENCE, check=True)
        except subprocess.CalledProcessError as error:
            self.failures.append(f"{proxy.name}, {name}: {error.stderr.strip()[-500:]}")
            return {}
        except subprocess.TimeoutExpired:
            self.failures.append(f"{proxy.name}, {name}: not within {3 * PATIENCE} s")
            return {}
        cores_of_others = others.take()
        figures = json.loads(result.stdout)
        if isinstance(proxy, Limit) and name == "setup":
            alone = proxy.handshake()
            figures["us_per_setup"] += alone["us_per_handshake"]
            figures["us_per_setup_data_plane"] = figures["us_per_setup"]
            self.samples.add(proxy.name, "handshake_us", alone["us_per_handshake"], cores_of_others)
            self.samples.add(proxy.name, "aead_s_per_gb", alone["aead_s_per_gb"], cores_of_others)
        for figure, value in figures.items():
            if figure in work.figures:
                self.samples.add(proxy.name, work.figures[figure], value, cores_of_others)
        return figures

    def rounds(self, count, end):
        """Each work by each proxy `count` times, in turn, but no third time after the monotonic time `end`. Until then again what
        was disturbed."""
        with contextlib.ExitStack() as stack:
            proxies = [stack.enter_context(proxy) for proxy in self.proxies() + self.others()]
            for number in range(count):
                if number >= 2 and time.monotonic() > end:
                    break
                for name in ("up", "down", "msrp up", "msrp down", "ping", "up", "down", "setup"):
                    for proxy in proxies:
                        if proxy.does(name):
                            self.measure(proxy, name, f"round {number + 1} of {count}")
            while not self.failures and (lacking := [
                    (name, proxy) for name in ("up", "down", "msrp up", "msrp down", "ping", "setup") for proxy in proxies
                    if proxy.does(name) and self.samples.quiet_count(proxy.name, next(iter(WORKS[name].figures.values()))) < 2]):
                for name, proxy in lacking:
                    if time.monotonic() > end:
                        return
                    self.measure(proxy, name, "again, undisturbed")

    def memory(self, count):
        """In a fresh process each time. Others do not disturb that."""
        for number in range(count):
            for name in ("idle", "waiting"):
                for proxy in self.proxies():
                    if proxy.does(name):
                        with proxy:
                            self.measure(proxy, name, f"memory, {number + 1} of {count}")

    def flatness(self):
        """The IMS-AGW's figures beside few and beside many sessions. Each takes up to four descriptors."""
        many = min(6000, (self._descriptor_limit - 2500) // 4)
        with self.proxies()[-1] as proxy:
            return self.measure(proxy, "flat", "flatness", f"--sessions={many}")


def ratios(figures):
    result = {}
    for proxy, of_proxy in figures.items():
        for name, value in of_proxy.items():
            if name not in FIGURES:
                continue
            reference = figures.get(REFERENCE, {}).get(FIGURES[name].reference or name)
            if proxy != REFERENCE and reference and reference["median"]:
                result.setdefault(proxy, {})[name] = value["median"] / reference["median"]
    return result


def print_table(report):
    print(f"Each on one core of: {report['machine']}. CPU of the proxy per unit, median ± half of what lies between the quartiles; "
          f"ratios to {REFERENCE}.")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    print()
    names = [name for name in [*report["versions"], Limit.name] if name in report["figures"]]
    print(f"{'':31}" + "".join(f"{name:>13}{'' if name == REFERENCE else '  ratio':7}" for name in names).rstrip())
    for key, figure in FIGURES.items():
        if not any(key in report["figures"][name] for name in names):
            continue
        line = f"{figure.title + ', ' + figure.unit:31}"
        for name in names:
            value = report["figures"][name].get(key)
            text = "-"
            if value:
                half = (value["quartiles"][1] - value["quartiles"][0]) / 2 / (value["median"] or 1)
                text = f"{'~' if value['disturbed'] else ''}{value['median'] * figure.scale:.{figure.decimals}f} ±{half:3.0%}"
            ratio = report["ratios"].get(name, {}).get(key)
            line += f"{text:>13}" + ("" if name == REFERENCE else f"{ratio:7.2f}" if ratio else " " * 7)
        print(line.rstrip())
    print_others(report)
    if any(value["disturbed"] for figures in report["figures"].values() for value in figures.values()):
        print("\n~ others used the cores meanwhile, which makes each octet and message dearer, and not all proxies alike.")


def print_others(report):
    figures = report["figures"]
    limit = figures.get(Limit.name, {})
    if "handshake_us" in limit:
        print(f"\nlimit: what no proxy can do without, from the same load: receiving, AES-128-GCM (alone "
              f"{limit['aead_s_per_gb']['median']:.3f} s/GB) and sending;\n"
              f"accepting, connecting and closing, and BoringSSL's handshake (alone {limit['handshake_us']['median']:.0f} us).")
    agw = figures.get("AGW", {})
    if "msrp_up_s_per_gb" in agw:
        print("\nMSRP read and its paths rewritten, chunks of 64 KiB, compared with octets passed on: up "
              f"{agw['msrp_up_s_per_gb']['median'] / agw['up_s_per_gb']['median']:.2f}, down "
              f"{agw['msrp_down_s_per_gb']['median'] / agw['down_s_per_gb']['median']:.2f}.")
    two = figures.get("AGW, 2 workers")
    if two:
        print("\nTwo workers on the same core, compared with one: " + ", ".join(
            f"{FIGURES[key].title} {two[key]['median'] / figures['AGW'][key]['median']:.2f}"
            for key in ("up_s_per_gb", "down_s_per_gb", "round_trip_us", "setup_us") if key in two and key in figures["AGW"])
            + ".\nThat shows whether workers wait for each other, not how two cores do.")
    flat = report["flatness"]
    if flat:
        print(f"\nAGW beside 100 sessions at rest and beside {flat['sessions']:.0f}: " + ", ".join(
            f"{title} {flat[key + '_beside_few'] * scale:.{decimals}f} and {flat[key + '_beside_many'] * scale:.{decimals}f} {unit}"
            for title, key, scale, decimals, unit in (
                ("round trip", "us_per_round_trip", 1, 1, "us"), ("set-up", "us_per_setup", 1, 0, "us"),
                ("memory of each", "bytes_per_session", 1e-3, 1, "kB"))) + ".")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.programs, folder, options.quick)
        bench.memory(1)
        flatness = {} if options.quick else bench.flatness()
        bench.rounds(2 if options.quick else 5, start + (30 if options.quick else 200))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)

    figures = bench.samples.report()
    report = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": describe(),
              "quick": options.quick, "seconds": round(time.monotonic() - start),
              "versions": {proxy.name: proxy.version() for proxy in bench.proxies()}, "figures": figures,
              "ratios": ratios(figures), "flatness": flatness, "failures": bench.failures}
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
