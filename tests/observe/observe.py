"""Lets a system of real services run into every kind of trouble, and looks at it as operators do: each panel of each
dashboard has data, each alert fires while its trouble is there and is silent else, each metric is documented.

Usage: observe.py --programs=FOLDER [--minute=SECONDS] [--picture=FILE --npm_packages=FOLDER]

--minute: how many seconds stand for a minute of the alerts' rules. tools/observe starts it.
"""

import argparse
import collections
import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import xml.etree.ElementTree as ElementTree

import metrics_documentation
import picture
import queries
from ims.iq.v1 import media_gateway_service_pb2 as iq
from processes import PATIENCE, System, wait_until
from service_processes import Certificate
from traffic import Callers, Chats, Repeated, Reservations, Troublemaker

# What happens, in which time, and which alerts (name, severity) it brings about; `may`: names of those it may as well.
Trouble = collections.namedtuple("Trouble", "name start end alerts may")


class Results:
    """Test cases, each printed as soon as it is known to fail."""

    def __init__(self):
        self.cases = []

    def add(self, group, name, problems):
        self.cases.append((group, name, problems))
        for problem in problems:
            print(f"FAILED {group}: {name}: {problem}", flush=True)

    def failed_count(self):
        return sum(1 for _, _, problems in self.cases if problems)

    def write(self, file_name):
        suite = ElementTree.Element("testsuite", name="observe")
        for group, name, problems in self.cases:
            case = ElementTree.SubElement(suite, "testcase", classname=f"observe.{group}", name=name)
            if problems:
                ElementTree.SubElement(case, "failure", message="\n".join(problems))
        ElementTree.ElementTree(suite).write(file_name)


class Run:
    """The run: what happens one after the other. Times are those of Prometheus, in seconds."""

    def __init__(self, system, results, shortener):
        self.system, self.results, self._shortener = system, results, shortener
        self.troubles = []
        self.start = queries.now()
        self._begin = time.monotonic()
        self.certificate = Certificate(system.folder, "phone")
        self._other_certificate = Certificate(system.folder, "other")
        self._chats = None
        self.seen = metrics_documentation.Seen()

    def minutes(self, count):
        time.sleep(count * self.system.minute)

    def say(self, text):
        print(f"{time.monotonic() - self._begin:5.1f} s  {text}", flush=True)

    @contextlib.contextmanager
    def trouble(self, name, alerts, may=()):
        """The trouble is there inside, which should not be left before its alerts fire."""
        start = queries.now()
        self.say(f"trouble: {name}")
        try:
            yield
        finally:
            self.troubles.append(Trouble(name, start, queries.now(), alerts, may))

    def wait_for(self, *alerts, minutes=30):
        """Until each of them has fired. One that does not is found in the end."""
        missing = set(alerts)

        def all_have_fired():
            missing.difference_update(queries.firing())
            return not missing

        try:
            wait_until(all_have_fired, "", max(20, minutes * self.system.minute))
        except TimeoutError:
            self.say(f"do not fire: {sorted(missing)}")

    def play(self):
        with contextlib.ExitStack() as stack:
            stack.callback(self._stop_chats)
            self._all_is_well()
            with self._stand_in_has_trouble():
                self._ends_make_trouble()
                self._gateways_make_trouble()
                self.seen.look_at(self.system.pods())
                self._a_gateway_is_lost()
            self.seen.look_at(self.system.pods())
            self._algs_are_away()
            self._calm()
        self.seen.look_at(self.system.pods())
        self.end = queries.now()

    def _start_chats(self):
        # Some 40 at a time.
        self._chats = Chats(self.system.alg_stubs, self.certificate, rate=8, seconds=5)

    def _stop_chats(self):
        if self._chats:
            self._chats.stop()
            self._chats = None

    def _all_is_well(self):
        self.say("all is well")
        self._start_chats()
        self.reservations = Reservations(self.system.agw_stubs[2])
        self.reservations.reserve(2)
        self.minutes(12)
        self.well_until = queries.now()
        self.results.add("well", "no_chat_fails_while_all_is_well", [repr(error) for error in self._chats.errors] or (
            [] if self._chats.good_count > 10 else ["hardly any chats"]))
        look_at_panels(self.results, "well", self.start, self.well_until)

    @contextlib.contextmanager
    def _stand_in_has_trouble(self):
        stand_in = self.system.stand_in
        with contextlib.ExitStack() as stack:
            alerts = []
            for name, alert in [("a process takes more and more memory", "IqgateMemoryPerSessionHigh"),
                                ("handshakes are at their limit", "IqgateTlsHandshakesWaiting"),
                                ("peers take nothing of what fills the memory", "IqgateBufferLimitReached"),
                                ("files of a certificate stay broken", "IqgateCertificateFilesRefused")]:
                alerts.append((alert, "warning"))
                stack.enter_context(self.trouble(name, alerts[-1:]))
            stand_in.resident_memory = 2_000_000_000
            stand_in.waiting_handshakes = 5
            stand_in.ends_connections = True
            stand_in.certificate_files_usable = 0
            yield
            self.wait_for(*alerts)
        stand_in.resident_memory = 100_000_000
        stand_in.waiting_handshakes = 0
        stand_in.ends_connections = False
        stand_in.certificate_files_usable = 1

    def _ends_make_trouble(self):
        ends = Troublemaker(self.system.alg_stubs, self.certificate, self._other_certificate)
        callers = Callers(self.system)
        troubles = [
            ("phones present another certificate", [("IqgateFingerprintMismatchBurst", "warning")],
             [(ends.wrong_certificate, 6)]),
            ("handshakes fail", [("IqgateTlsFailureRatioHigh", "warning")],
             [(ends.no_certificate, 3), (ends.no_tls, 3), (ends.hangs_up_in_the_handshake, 3)]),
            ("the core refuses or is silent", [("IqgateCoreRefusesConnections", "warning")],
             [(ends.core_refuses, 5), (ends.core_refuses, 5), (ends.core_is_silent, 1)]),
            ("phones do not come, or are strangers", [],
             [(ends.phone_never_comes, 2), (ends.phone_never_answers, 2), (ends.stranger_connects, 3),
              (ends.denied_address_connects, 3), (ends.resets, 2)]),
            ("descriptions are rejected, malformed, or strange", [],
             [(ends.rejected_offer, 3), (ends.malformed_offer, 2), (ends.deviating_offer, 2)]),
            ("somebody calls who is not allowed", [("IqgateRefusedClients", "warning")], [(callers.call, 3)]),
        ]
        expected = []
        with contextlib.ExitStack() as stack:
            for name, alerts, deeds in troubles:
                expected += alerts
                # Whoever fails a handshake adds to the ratio, and who mismatches fails one.
                stack.enter_context(self.trouble(name, alerts, may=["IqgateTlsFailureRatioHigh"]))
                for deed, rate in deeds:
                    stack.enter_context(Repeated(deed, rate))
            nearly_full = [(f"Iqgate{what}NearlyUsedUp", severity) for what in ("Contexts", "Ports", "Descriptors")
                           for severity in ("critical", "warning")]
            stack.enter_context(self.trouble("an IMS-AGW is nearly full", nearly_full))
            self.reservations.reserve(self.system.SMALL_LIMIT)
            refused = [("IqgateReservationsRefused", "warning")]
            stack.enter_context(self.trouble("reservations are one too many", refused))
            stack.enter_context(Repeated(self.reservations.reserve_one_too_many, 1))
            # Sessions alone cannot take what is kept for clients; clients that say nothing can.
            for _ in range(4):
                stack.enter_context(socket.create_connection(("127.0.0.1", 7062)))
            certificate = [("IqgateCertificateNearItsEnd", severity) for severity in ("critical", "warning")]
            stack.enter_context(self.trouble("a certificate ends within two days", certificate))
            self.system.authority.issue("iqgate-agw", days=1, file_name="agw-1")
            self.wait_for(*expected, *nearly_full, *refused, *certificate)
        self.reservations.release(left=4)
        self.system.authority.issue("iqgate-agw", file_name="agw-1")

    def _gateways_make_trouble(self):
        stuck = [("IqgateDrainStuck", "warning")]
        slow = [("IqgateOffersSlow", "warning")]
        unreachable = [("IqgateAgwUnreachable", "warning")]
        with self.trouble("an IMS-AGW drains and its sessions do not end", stuck):
            self.system.agw_stubs[2].Drain(iq.DrainRequest(), timeout=5)
            with self.trouble("both IMS-AGWs have no CPU for most of the time", slow,
                              may=["IqgateOffersFailing", "IqgateAgwUnreachable"]):
                with self._stutter(self.system.agws[:2]):
                    self.wait_for(*stuck, *slow)
            self.system.agw_stubs[2].Undrain(iq.UndrainRequest(), timeout=5)
        self.reservations.release(left=2)
        with self.trouble("an IMS-ALG hears nothing of an IMS-AGW", unreachable, may=["IqgateOffersFailing"]):
            self.system.wire.cut()
            self.wait_for(*unreachable)
        behind = [("IqgateEventStreamBehind", "warning")]
        with self.trouble("what happened meanwhile is more than the IMS-AGW has kept", behind, may=["IqgateAgwUnreachable"]):
            self.system.wire.mend()
            self.wait_for(*behind)

    @contextlib.contextmanager
    def _stutter(self, services):
        """Their processes stand still for most of each second, together."""
        ended = threading.Event()

        def run():
            while not ended.is_set():
                for service in services:
                    service.send(signal.SIGSTOP)
                ended.wait(0.7)
                for service in services:
                    service.send(signal.SIGCONT)
                ended.wait(0.3)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _a_gateway_is_lost(self):
        lost = [("IqgateAgwLostWithSessions", "warning")]
        none_ready = [("IqgateNoReadyAgw", "critical"), ("IqgateOffersFailing", "critical")]
        may = ["IqgateAgwUnreachable", "IqgateOffersFailing"]
        with self.trouble("an IMS-AGW is killed", lost, may):
            self.system.agws[1].stop(signal.SIGKILL)
            with self.trouble("the other one drains", none_ready, may):
                self.system.agw_stubs[0].Drain(iq.DrainRequest(), timeout=5)
                self.wait_for(*lost, *none_ready)
                self.system.agw_stubs[0].Undrain(iq.UndrainRequest(), timeout=5)
            self.system.agws[1].start()

    def _algs_are_away(self):
        gone = [("IqgateNoAlg", "critical")]
        self._stop_chats()
        # Those that have just started know no IMS-AGW for a moment.
        with self.trouble("all IMS-ALGs are gone", gone, may=["IqgateNoReadyAgw"]):
            for alg in self.system.algs:
                alg.stop(signal.SIGKILL)
            self.wait_for(*gone)
            for alg in self.system.algs:
                alg.start()
            for alg in self.system.algs:
                wait_until(alg.is_ready, f"{alg.pod} has met an IMS-AGW")

    def _calm(self):
        self.say("all is well again")
        self._start_chats()
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not queries.firing(), "", max(PATIENCE, 20 * self.system.minute))
        self.results.add("well", "all_alerts_are_silent_in_the_end", [
            f"{name} ({severity}) fires" for name, severity in sorted(queries.firing())])
        self.minutes(3)

    def look_at_alerts(self):
        """Each alert in its troubles, and outside of them."""
        times = queries.firing_times(self.start, self.end)
        for name, severity in queries.alerts():
            mine = [trouble for trouble in self.troubles if (name, severity) in trouble.alerts]
            allowed = [(trouble.start, trouble.end + self._shortener.longest_window[name] + 3) for trouble in self.troubles
                       if (name, severity) in trouble.alerts or name in trouble.may]
            fired = times.get((name, severity), [])
            self.results.add("alerts", f"{name}_{severity}_fires_in_its_trouble", [
                f"not while {trouble.name}" for trouble in mine
                if not any(start <= trouble.end + 1 and end >= trouble.start for start, end in fired)] + (
                    [] if mine else ["it has no trouble"]))
            self.results.add("alerts", f"{name}_{severity}_is_silent_else", [
                f"fired from {start - self.start:.0f} to {end - self.start:.0f} s" for start, end in fired
                if not any(first <= start and end <= last for first, last in allowed)])
        self.results.add("alerts", "alerts_have_only_the_usual_labels", queries.strange_labels(self.start, self.end))
        self.results.add("alerts", "prometheus_can_evaluate_every_rule", queries.rule_errors())


def look_at_panels(results, group, start, end):
    """A case for each panel: all its queries have data."""
    problems = collections.defaultdict(list)
    for query in queries.panel_queries():
        found = problems[query.dashboard, f"{query.panel['id']:02}_{query.panel['title'].replace(' ', '_')}"]
        try:
            if not queries.run(query, start, end):
                found.append(f"no data for {query.legend}: {query.expression}")
        except ValueError as error:
            found.append(f"{error}: {query.expression}")
    for (dashboard, panel), found in problems.items():
        results.add(f"panels_{group}", f"{dashboard}_{panel}_has_data", found)
    for dashboard, variable, selector, label in queries.variable_queries():
        values = {series.get(label) for series in queries.ask("series", **{"match[]": selector, "start": start, "end": end})}
        results.add(f"panels_{group}", f"{dashboard}_variable_{variable}_has_values",
                    [] if values - {None} else [f"no {label} in {selector}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--minute", type=float, default=1)
    parser.add_argument("--picture")
    parser.add_argument("--npm_packages")
    options = parser.parse_args()
    # So that everything that was started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = Results()
    shortener = queries.Shortener(options.minute)
    with tempfile.TemporaryDirectory(prefix="observe-") as folder:
        rules_file = f"{folder}/short.rules.yaml"
        with open(rules_file, "w", encoding="utf-8") as file:
            file.write(shortener.rules())
        try:
            with System(os.path.abspath(options.programs), folder, options.minute, rules_file) as system:
                run = Run(system, results, shortener)
                run.play()
                run.say("looking back")
                run.look_at_alerts()
                look_at_panels(results, "trouble", run.start, run.end)
                for name, problems in metrics_documentation.check(run.seen):
                    results.add("metrics", name, problems)
                if options.picture:
                    picture.draw(run.start, run.end, options.picture, options.npm_packages)
                run.say("end")
        except Exception:  # pylint: disable=broad-except
            results.add("run", "the_run_comes_to_its_end", [traceback.format_exc()])
        else:
            results.add("run", "the_run_comes_to_its_end", [])
    if "XML_OUTPUT_FILE" in os.environ:
        results.write(os.environ["XML_OUTPUT_FILE"])
    failed = results.failed_count()
    print(f"{len(results.cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
