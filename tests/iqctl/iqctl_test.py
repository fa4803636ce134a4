"""iqctl as operators run it: every command, every format, every exit code, against real services."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import yaml
from junit import main
from service_processes import PATIENCE, Certificate, Services, Session, start_tls, wait_until

OK, FAILED, USAGE, NOT_FOUND, UNREACHABLE, NOT_PERMITTED, PROBLEMS, TIME_RAN_OUT = range(8)

COMMANDS = [["session", "get"], ["session", "release"], ["agw", "list"], ["agw", "get"], ["agw", "drain"],
            ["agw", "undrain"], ["agw", "contexts"], ["agw", "watch"], ["top"], ["check"], ["completion"], ["man"]]


def environment(**variables):
    """Only what is said here, whoever runs the test."""
    return {"PATH": os.environ["PATH"], "TERM": "xterm"} | variables


def run(*arguments, **variables):
    """Runs iqctl; its `returncode`, `stdout` and `stderr`."""
    return subprocess.run(["iqctl/iqctl", *arguments], env=environment(**variables), capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


def start(*arguments):
    return subprocess.Popen(["iqctl/iqctl", *arguments], env=environment(), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


class LiveSession(Session):
    """A session with connections on both sides."""

    def __init__(self, services, certificate):
        super().__init__(services, certificate)
        self.phone = start_tls(self.connect_phone(), certificate)
        self.core = self.accept_core()
        self.phone.sendall(b"hello")
        assert self.core.recv(5) == b"hello"

    @property
    def id(self):
        return self.offered.session_id

    def close(self):
        for end in (self.phone, self.core, self.core_listener):
            end.close()


class IqctlTest(unittest.TestCase):
    """What all tests with services do."""

    def start_services(self, **options):
        self.services = self.enterContext(Services(**options))
        self.certificate = Certificate(self.services.folder, "phone")

    def addresses(self):
        return [f"127.0.0.1:{agw['iq_port']}" for agw in self.services.agws]

    def targets(self):
        return ["--alg", self.services.api_address, "--agw", ",".join(self.addresses())]

    def iqctl(self, *arguments, expect=OK):
        result = run(*arguments, *self.targets())
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result

    def json_of(self, *arguments, expect=OK):
        return json.loads(self.iqctl(*arguments, "-o", "json", expect=expect).stdout)

    def start_session(self):
        session = LiveSession(self.services, self.certificate)
        self.addCleanup(self.services.release, session.offered)
        self.addCleanup(session.close)
        return session

    def instance_of(self, session):
        return self.json_of("session", "get", session.id)["session"]["gateway_instance_id"]

    def context_of(self, session):
        """Its id at the IMS-AGW: the only one there whose name is in that of the session."""
        ids = self.json_of("agw", "contexts", self.instance_of(session))["context_ids"]
        [context] = [context for context in ids if context in session.id]
        return context


class WithServicesTest(IqctlTest):
    """Two IMS-AGWs for all these tests. Each leaves them as it has found them: both there, empty, taking sessions."""

    @classmethod
    def setUpClass(cls):
        cls.services = cls.enterClassContext(Services(agw_count=2))
        cls.certificate = Certificate(cls.services.folder, "phone")

    def setUp(self):
        wait_until(lambda: self.services.alg_metric('iqgate_alg_gateways{state="up"}') == 2, "both are up")

    def drain(self, instance):
        self.addCleanup(self.iqctl, "agw", "undrain", instance)
        return self.iqctl("agw", "drain", instance)

    def kill_until_the_end_of_the_test(self, number):
        self.services.kill(self.services.agw_processes[number])
        self.addCleanup(self.services.start_agw, number)

    def test_session_get_tells_the_state_in_every_format(self):
        session = self.start_session()
        as_json = self.json_of("session", "get", session.id)
        [stream] = as_json["session"]["streams"]
        self.assertEqual(as_json["session"]["state"], "SESSION_STATE_ANSWERED")
        self.assertEqual(stream["access"]["state"], "BEARER_STATE_ESTABLISHED")
        self.assertEqual(stream["access"]["received_byte_count"], "5")
        as_yaml = yaml.safe_load(self.iqctl("session", "get", session.id, "-o", "yaml").stdout)
        as_yaml["session"]["streams"][0]["access"]["duration"] = stream["access"]["duration"]
        as_yaml["session"]["streams"][0]["core"]["duration"] = stream["core"]["duration"]
        self.assertEqual(as_yaml, as_json)
        table = self.iqctl("session", "get", session.id).stdout
        self.assertRegex(table, rf"Session: +{re.escape(session.id)}\n")
        self.assertRegex(table, r"1  access +established +\S+:\d+ +\S+:\d+ +5 B +0 B")
        self.assertNotIn("\033", table)

    def test_session_release_ends_it(self):
        session = self.start_session()
        self.assertIn("Released.", self.iqctl("session", "release", session.id).stdout)
        self.assertEqual(session.phone.recv(1), b"")
        self.assertIn("Nothing was left", self.iqctl("session", "release", session.id).stdout)
        self.assertEqual(self.json_of("session", "release", session.id), {"streams": []})
        error = self.iqctl("session", "get", session.id, expect=NOT_FOUND).stderr
        self.assertIn("NOT_FOUND, SESSION_UNKNOWN (alg.ims)", error)
        self.assertIn("remedy: ", error)

    def test_arguments_that_are_malformed_are_a_mistake_of_usage(self):
        self.assertIn("field=session_id", self.iqctl("session", "get", "none", expect=USAGE).stderr)
        self.assertIn("iqctl agw get --help", run("agw", "get").stderr)
        for arguments in (["agw", "get"], ["agw", "get", "a", "b"], ["agw", "gte", "a"], ["nothing"], [],
                          ["agw"], ["check", "--wait"], ["check", "-o", "xml"], ["check", "--timeout", "soon"],
                          ["check", "--timeout"], ["check", "--agw", "host"], ["agw", "watch", "--after", "a:1"],
                          ["check", "--tls-ca", "/nowhere"], ["top", "--count", "0"]):
            with self.subTest(arguments):
                self.assertEqual(run(*arguments).returncode, USAGE)

    def test_agw_list_shows_all_in_every_format(self):
        session = self.start_session()
        gateways = self.json_of("agw", "list")["gateways"]
        ids = ["agw-for-foreigners-0", "agw-for-foreigners-1"]
        self.assertEqual([gateway["status"]["instance_id"] for gateway in gateways], ids)
        self.assertEqual([gateway["addresses"] for gateway in gateways], [[a] for a in self.addresses()])
        self.assertEqual(sum(gateway["status"]["context_count"] for gateway in gateways), 1)
        as_yaml = yaml.safe_load(self.iqctl("agw", "list", "-o", "yaml").stdout)["gateways"]
        self.assertEqual([gateway["status"]["instance_id"] for gateway in as_yaml], ids)
        self.assertEqual(as_yaml[0]["status"]["certificate_fingerprints"],
                         gateways[0]["status"]["certificate_fingerprints"])
        table = self.iqctl("agw", "list").stdout
        self.assertRegex(table, rf"{self.instance_of(session)} +up +1/10,000 +access \d+/1,000, core \d+/1,000 ")
        # The exit code tells of the one that is missing.
        self.kill_until_the_end_of_the_test(1)
        listed = self.json_of("agw", "list", expect=UNREACHABLE)["gateways"]
        self.assertEqual(listed[1]["failure"]["code"], "UNAVAILABLE")
        self.assertIn("Connection refused", self.iqctl("agw", "list", expect=UNREACHABLE).stderr)

    def test_agw_get_takes_an_id_and_an_address(self):
        by_id = self.json_of("agw", "get", "agw-for-foreigners-1")["status"]
        by_address = self.json_of("agw", "get", self.addresses()[1])["status"]
        self.assertEqual(by_id["incarnation"], by_address["incarnation"])
        self.assertEqual([realm["name"] for realm in by_id["realms"]], ["access", "core"])
        self.assertRegex(self.iqctl("agw", "get", "agw-for-foreigners-1").stdout,
                         r"access +access +127\.\S+ +20000-20999 +\d+/1,000")
        self.assertIn("there are: agw-for-foreigners-0, agw-for-foreigners-1",
                      self.iqctl("agw", "get", "nobody", expect=NOT_FOUND).stderr)

    def test_agw_contexts_lists_and_audits(self):
        session = self.start_session()
        instance, context = self.instance_of(session), self.context_of(session)
        self.assertEqual(self.iqctl("agw", "contexts", instance).stdout, context + "\n")
        audit = self.json_of("agw", "contexts", instance, context)
        self.assertEqual({t["state"] for t in audit["terminations"]}, {"STATE_ESTABLISHED"})
        self.assertRegex(self.iqctl("agw", "contexts", instance, context).stdout, r"1  access +tcp_tls +established ")
        self.assertIn("CONTEXT_UNKNOWN", self.iqctl("agw", "contexts", instance, "none", expect=NOT_FOUND).stderr)

    def test_agw_drain_and_undrain(self):
        self.assertIn("takes no new sessions; none is left", self.drain("agw-for-foreigners-0").stdout)
        self.assertTrue(self.json_of("agw", "get", "agw-for-foreigners-0")["status"]["draining"])
        for _ in range(4):
            self.assertEqual(self.instance_of(self.start_session()), "agw-for-foreigners-1")
        status = self.json_of("agw", "undrain", "agw-for-foreigners-0")["status"]
        self.assertFalse(status["draining"])
        wait_until(lambda: self.instance_of(self.start_session()) == "agw-for-foreigners-0", "it takes sessions again")

    def test_agw_drain_waits_for_the_last_session(self):
        session = self.start_session()
        instance = self.instance_of(session)
        self.addCleanup(self.iqctl, "agw", "undrain", instance)
        self.assertIn("1 session left",
                      self.iqctl("agw", "drain", instance, "--wait-limit", "100ms", expect=TIME_RAN_OUT).stderr)
        with start("agw", "drain", instance, "--wait", *self.targets()) as waiting:
            self.assertEqual(waiting.stderr.readline(), "1 session left\n")
            self.assertIsNone(waiting.poll())
            self.iqctl("session", "release", session.id)
            output, _ = waiting.communicate(timeout=PATIENCE)
            self.assertEqual(waiting.returncode, OK)
            self.assertIn("none is left", output)

    def test_agw_drain_notices_that_somebody_ends_the_drain(self):
        session = self.start_session()
        instance = self.instance_of(session)
        with start("agw", "drain", instance, "--wait", *self.targets()) as waiting:
            self.assertEqual(waiting.stderr.readline(), "1 session left\n")
            self.iqctl("agw", "undrain", instance)
            _, errors = waiting.communicate(timeout=PATIENCE)
            self.assertEqual(waiting.returncode, FAILED)
            self.assertIn("somebody else", errors)

    def test_agw_watch_tells_a_session(self):
        session = self.start_session()
        context = self.context_of(session)
        self.iqctl("session", "release", session.id)
        # Both TCP, TLS and the fingerprint.
        lines = self.iqctl("agw", "watch", "--kept", "--context", context, "--count", "4", "-o", "json").stdout
        events = [json.loads(line) for line in lines.splitlines()]
        kinds = [next(iter(event["notification"].keys() - {"sequence_number", "time", "termination"}))
                 for event in events]
        self.assertEqual(sorted(kinds),
                         ["fingerprint_verified", "tcp_established", "tcp_established", "tls_established"])
        # And from any of them on.
        first = events[0]
        position = f"{first['incarnation']}:{first['notification']['sequence_number']}"
        documents = yaml.safe_load_all(self.iqctl(
            "agw", "watch", first["instance_id"], "--after", position, "--count", "2", "-o", "yaml").stdout)
        self.assertEqual([document["notification"]["sequence_number"] for document in documents],
                         [str(int(first["notification"]["sequence_number"]) + more) for more in (1, 2)])
        text = self.iqctl("agw", "watch", "--kept", "--context", context, "--count", "4").stdout
        self.assertRegex(text, rf"(?m)^20\S+Z  agw-for-foreigners-\d #\d+  tls_established  {context}/1 access  TLSv1.3 ")
        # Numbers of another run are no reason to stop.
        result = self.iqctl("agw", "watch", first["instance_id"], "--after", "0123:7", "--count", "1")
        self.assertIn("has started again since", result.stderr)

    def test_agw_watch_goes_on_when_one_comes_back(self):
        with start("agw", "watch", "-o", "json", *self.targets()) as watching:
            def see(instance):
                """Makes it happen until it is seen: nothing says when the program has begun to watch."""
                line = ""
                while instance not in line:
                    self.iqctl("agw", "drain", instance)
                    self.iqctl("agw", "undrain", instance)
                    line = watching.stdout.readline()
                return json.loads(line)

            before = see("agw-for-foreigners-1")
            see("agw-for-foreigners-0")
            self.services.kill(self.services.agw_processes[1])
            self.assertIn("agw-for-foreigners-1 is lost", watching.stderr.readline())
            self.services.start_agw(1)
            self.assertRegex(watching.stderr.readline(), r"agw-for-foreigners-1 is followed, run [0-9a-f]+\n")
            while (after := see("agw-for-foreigners-1"))["incarnation"] == before["incarnation"]:
                pass  # What was still in the pipe.
            self.assertEqual(after["notification"]["sequence_number"], "1")
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=PATIENCE)
            self.assertEqual(watching.returncode, -signal.SIGINT)

    def test_top_prints_once_where_there_is_no_terminal(self):
        result = self.iqctl("top", "--interval", "100ms")
        self.assertEqual(result.stdout.count("INSTANCE"), 1)
        self.assertRegex(result.stdout, r"^2 IMS-AGWs, 0 of 20,000 sessions; counting for 0 s\n")
        self.assertRegex(result.stdout, r"agw-for-foreigners-1 +up +0/10,000 +access \d+/1,000, core \d+/1,000 +\d+\.\d ")
        self.assertNotIn("\033", result.stdout)

    def test_top_counts_what_happens(self):
        self.start_session()
        with start("top", "--interval", "300ms", "--count", "100", "-o", "json", *self.targets()) as top:
            top.stdout.readline()
            self.start_session()  # Within what is watched.
            established, sessions, was_busy = 0, 0, False
            # What is counted is newer than the status, which is that of the last look.
            while (established, sessions) != (1, 2):
                loads = json.loads(top.stdout.readline())["gateways"]  # Nothing after the last one.
                established = sum(int(load["established_count"]) for load in loads)
                sessions = sum(load["gateway"]["status"]["context_count"] for load in loads)
                was_busy |= any(load["events_per_second"] > 0 for load in loads)
            self.assertTrue(was_busy)
            self.assertEqual([load["gateway"]["status"]["instance_id"] for load in loads],
                             ["agw-for-foreigners-0", "agw-for-foreigners-1"])
            top.send_signal(signal.SIGINT)
            top.communicate(timeout=PATIENCE)

    def on_a_terminal(self, *arguments, **variables):
        """What iqctl writes where standard output is a terminal."""
        ours, its = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            with subprocess.Popen(["iqctl/iqctl", *arguments, *self.targets()], env=environment(**variables),
                                  stdout=its, stdin=subprocess.DEVNULL) as process:
                os.close(its)
                output = b""
                try:
                    while piece := terminal.read(65536):
                        output += piece
                except OSError:
                    pass  # The other end is closed.
            self.assertEqual(process.returncode, OK, output)
        return output.decode()

    def test_a_terminal_has_colour_and_a_live_table(self):
        output = self.on_a_terminal("top", "--count", "2", "--interval", "100ms")
        self.assertEqual(output.count("\033[H"), 2)
        self.assertIn("\033[32mup\033[0m", output)
        self.assertNotIn("\033[32m", self.on_a_terminal("agw", "list", NO_COLOR="1"))
        self.assertNotIn("\033[32m", self.on_a_terminal("agw", "list", TERM="dumb"))
        self.assertIn("\033[32mup\033[0m", self.on_a_terminal("agw", "list"))
        self.assertIsInstance(json.loads(self.on_a_terminal("agw", "list", "-o", "json")), dict)

    def test_check_finds_nothing_where_all_is_well(self):
        report = self.json_of("check")
        self.assertEqual({finding["severity"] for finding in report["findings"]}, {"SEVERITY_OK"})
        subjects = [finding["subject"] for finding in report["findings"] if finding["check"] == "reachable"]
        self.assertEqual(subjects,
                         [f"alg {self.services.api_address}", "agw-for-foreigners-0", "agw-for-foreigners-1"])
        self.assertRegex(self.iqctl("check").stdout, r"ok +all: version: ")

    def test_check_tells_who_drains(self):
        self.drain("agw-for-foreigners-0")
        self.assertRegex(self.iqctl("check").stdout, r"(?m)^warning  agw-for-foreigners-0: draining: ")
        self.iqctl("check", "--strict", expect=PROBLEMS)
        self.drain("agw-for-foreigners-1")
        self.assertIn("problem  all: draining: ", self.iqctl("check", expect=PROBLEMS).stdout)

    def test_check_tells_who_does_not_answer(self):
        self.kill_until_the_end_of_the_test(1)
        output = self.iqctl("check", expect=PROBLEMS).stdout
        self.assertIn(f"problem  agw {self.addresses()[1]}: reachable: UNAVAILABLE: ", output)
        self.assertIn("remedy: ", output)
        self.assertIn("ok       agw-for-foreigners-0: reachable: ", output)

    def test_one_that_hangs_takes_no_longer_than_the_timeout(self):
        self.services.agw_processes[0].send_signal(signal.SIGSTOP)
        self.addCleanup(self.services.agw_processes[0].send_signal, signal.SIGCONT)
        result = self.iqctl("agw", "get", self.addresses()[0], "--timeout", "300ms", expect=UNREACHABLE)
        self.assertIn("DEADLINE_EXCEEDED", result.stderr)
        # Nobody knows whether it is the one that was meant.
        self.iqctl("agw", "get", "nobody", "--timeout", "300ms", expect=UNREACHABLE)
        self.iqctl("agw", "get", "agw-for-foreigners-1", "--timeout", "300ms")


class OtherServicesTest(IqctlTest):

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        for arguments in (["session", "get", "a~b~c"], ["agw", "list"], ["agw", "get", address], ["agw", "watch"], ["top"]):
            with self.subTest(arguments):
                result = run(*arguments, IQCTL_ALG=address, IQCTL_AGW=address)
                self.assertEqual(result.returncode, UNREACHABLE, result.stderr)
                self.assertIn("remedy: ", result.stderr)
        self.assertEqual(run("check", IQCTL_ALG=address, IQCTL_AGW=address).returncode, PROBLEMS)

    def test_plaintext_stays_on_this_machine(self):
        result = run("agw", "list", "--agw", "192.0.2.1:7060")
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("--plaintext", result.stderr)
        result = run("agw", "list", "--agw", "192.0.2.1:7060", "--plaintext", "--timeout", "100ms")
        self.assertEqual(result.returncode, UNREACHABLE)

    def test_undrain_fails_where_the_process_ends(self):
        self.start_services(drain_time="30s")
        session = self.start_session()
        instance = self.instance_of(session)
        self.services.agw_process.terminate()
        wait_until(lambda: self.json_of("agw", "get", instance)["status"]["draining"], "it drains")
        self.assertIn("STOPPING", self.iqctl("agw", "undrain", instance, expect=FAILED).stderr)
        self.iqctl("session", "release", session.id)
        self.services.wait_for_end(self.services.agw_process)

    def test_check_finds_an_instance_id_that_two_have(self):
        self.start_services(agw_count=2, agw_config={"instance_id": "twin"})
        self.assertIn("problem  twin: instance id: ", self.iqctl("check", expect=PROBLEMS).stdout)
        self.assertIn("name one by its address", self.iqctl("agw", "get", "twin", expect=USAGE).stderr)


class Authority:
    """Issues certificates for both ends, as docs/install.md has it."""

    def __init__(self, folder, name):
        self.folder = folder
        self.certificate = Certificate(folder, name)

    def issue(self, name, names):
        files = [f"{self.folder}/{name}.{ending}" for ending in ("crt", "key", "csr", "ext")]
        certificate, key, request, extensions = files
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\n")
        for command in (
                ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request],
                ["x509", "-req", "-in", request, "-CA", self.certificate.certificate_file, "-CAkey",
                 self.certificate.key_file, "-CAcreateserial", "-days", "1", "-extfile", extensions, "-out",
                 certificate]):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        return {"certificate_file": certificate, "key_file": key,
                "ca_file": self.certificate.certificate_file}


class MutualTlsTest(IqctlTest):

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.authority = Authority(folder, "authority")
        issue = cls.authority.issue
        alg, agw = issue("alg", "DNS:alg.example"), issue("agw", "DNS:agw.example")
        cls.operator, cls.stranger = issue("iqctl", "DNS:iqctl.example"), issue("stranger", "DNS:stranger.example")
        cls.other_authority = Authority(folder, "other-authority")
        clients = {"allowed_client_names": ["alg.example", "iqctl.example"]}
        cls.services = cls.enterClassContext(Services(
            agw_config={"iq": {"tls": agw | clients}},
            alg_config={"api": {"tls": alg | clients}, "gateways": {"tls": alg | {"server_name": "agw.example"}}}))

    NAMES = "alg=alg.example,agw=agw.example"

    @staticmethod
    def tls_options(files, names=NAMES):
        return ["--tls-ca", files["ca_file"], "--tls-cert", files["certificate_file"], "--tls-key", files["key_file"],
                "--tls-server-name", names]

    def assert_refused(self, reason, *options, **variables):
        for command in (["agw", "list"], ["session", "get", "a~b~c"], ["agw", "get", self.addresses()[0]]):
            result = run(*command, *self.targets(), *options, **variables)
            self.assertEqual(result.returncode, NOT_PERMITTED, result.stderr)
            self.assertIn("remedy: ", result.stderr)
        self.assertIn(reason, result.stderr)
        result = run("check", *self.targets(), *options, **variables)
        self.assertEqual(result.returncode, PROBLEMS)
        self.assertEqual(result.stdout.count(reason), 2, result.stdout)

    def test_an_allowed_certificate_is_served(self):
        self.assertIn("with TLS", self.iqctl("check", *self.tls_options(self.operator)).stdout)
        self.iqctl("session", "release", "a~b~c", *self.tls_options(self.operator), "--timeout", "1s",
                   expect=UNREACHABLE)  # The IMS-ALG knows no such IMS-AGW.
        result = run("check", *self.targets(), IQCTL_TLS_CA=self.operator["ca_file"],
                     IQCTL_TLS_CERT=self.operator["certificate_file"], IQCTL_TLS_KEY=self.operator["key_file"],
                     IQCTL_TLS_SERVER_NAME=self.NAMES)
        self.assertEqual(result.returncode, OK, result.stdout + result.stderr)

    def test_a_certificate_that_is_not_allowed_is_refused(self):
        self.assert_refused("PERMISSION_DENIED", *self.tls_options(self.stranger))

    def test_a_certificate_of_another_authority_is_refused(self):
        files = self.other_authority.issue("impostor", "DNS:iqctl.example") | {"ca_file": self.operator["ca_file"]}
        self.assert_refused("CERTIFICATE_REFUSED", *self.tls_options(files))

    def test_a_server_of_another_authority_is_refused(self):
        files = self.operator | {"ca_file": self.other_authority.certificate.certificate_file}
        self.assert_refused("TLS_FAILED", *self.tls_options(files))

    def test_a_server_of_another_name_is_refused(self):
        self.assert_refused("TLS_FAILED", *self.tls_options(self.operator, "other.example"))

    def test_plaintext_is_refused(self):
        self.assert_refused("TLS_WANTED")
        self.assert_refused("TLS_WANTED", "--plaintext", IQCTL_TLS_CA="/nowhere")

    def test_files_that_cannot_be_used_are_named(self):
        files = self.operator | {"key_file": self.stranger["key_file"]}
        result = run("check", *self.targets(), *self.tls_options(files))
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("--tls-key", result.stderr)


class DocumentationTest(unittest.TestCase):

    def test_every_level_has_help_with_examples(self):
        for words in [[], ["session"], ["agw"], *COMMANDS]:
            with self.subTest(words):
                result = run(*words, "--help")
                self.assertEqual((result.returncode, result.stderr), (OK, ""))
                self.assertTrue(result.stdout.startswith(f"Usage: iqctl {' '.join(words)}".rstrip()))
                self.assertRegex(result.stdout, r"\nExamples:\n  .*iqctl")
        self.assertEqual(run("help", "agw", "drain").stdout, run("agw", "drain", "-h").stdout)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^iqctl \d+\.\d+\.\d+\n$")

    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = run("completion", "bash").stdout
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        script += ('COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iqctl; printf "%s\\n" "${COMPREPLY[@]}"')
        result = subprocess.run(["bash", "-c", script, "bash", "iqctl", *words], capture_output=True, text=True,
                                check=True)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def test_bash_completes_commands_options_and_choices(self):
        self.assertEqual(self.complete("agw", "d"), ["drain"])
        self.assertEqual(self.complete("-o", "json", "--agw", "a:1", "agw", "un"), ["undrain"])
        self.assertEqual(self.complete("check", "-o", ""), ["table", "json", "yaml"])
        self.assertEqual(self.complete("agw", "drain", "agw-0", "--wait"), ["--wait", "--wait-limit"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])
        self.assertEqual(self.complete("help", "session", "rel"), ["release"])
        self.assertIn("docs/iqctl.md", self.complete("check", "--tls-ca", "docs/iqc"))

    def test_man_page_is_rendered_without_a_warning(self):
        page = run("man").stdout
        rendered = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u"], input=page, text=True,
                                  capture_output=True, check=True)
        self.assertEqual(rendered.stderr, "")
        text = re.sub(r"\s+", " ", rendered.stdout.replace("\N{HYPHEN}\n", ""))
        for words in COMMANDS:
            self.assertIn(f"iqctl {' '.join(words)}", text)
        for word in ("IQCTL_TLS_SERVER_NAME", "--wait-limit TIME", "EXIT STATUS", "NO_COLOR"):
            self.assertIn(word, text)

    def test_docs_say_what_the_program_says(self):
        with open("docs/iqctl.md", encoding="utf-8") as file:
            docs = file.read()
        codes = re.search(r"\nExit codes:\n((?:  .+\n)+)", run("--help").stdout).group(1)
        for code, meaning in re.findall(r"  (\d)  (.+)\n", codes):
            self.assertIn(f"| {code} | {meaning} |", docs)
        used = [line.removeprefix("$ ") for block in re.findall(r"```sh\n(.*?)```", docs, re.S)
                for line in block.splitlines() if re.match(r"(\$ )?iqctl ", line)]
        self.assertGreater(len(used), 10)
        for line in used:
            with self.subTest(line):
                words = line.split("  #")[0].split(" |")[0].split(" >")[0].split()[1:]
                result = run(*words, "--help")
                self.assertEqual(result.returncode, OK, result.stderr)


if __name__ == "__main__":
    main()
