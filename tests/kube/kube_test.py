#!/usr/bin/python3
"""The chart's manifests as real pods: both call flows, rolls under load, a crash, new certificates. tools/kube-test runs this.

Usage: kube_test.py RENDERED IMAGES STUBS
       kube_test.py --not-here=REASON

The second skips every case, for that reason. RENDERED is what `helm template` says, IMAGES the folder that tools/images has written, STUBS where Python finds the API. In network,
mount and process namespaces of its own, which take everything with them when they end.
"""

import base64
import copy
import json
import os
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import yaml

ROOT = pathlib.Path(os.path.realpath(__file__)).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "foreign")]

import junit
import pods
from cluster import NAMESPACE, Cluster, wait_until

PREFIX, VIRTUAL_PREFIX = "198.18.60", "198.18.61"  # Of the addresses for tests of networks (RFC 2544).
RELEASE = "iqgate"
ALG, AGW = f"{RELEASE}-alg", f"{RELEASE}-agw"
LOST = {"code": "NOT_FOUND", "reason": "GATEWAY_LOST"}

RATE, HOLD = 4, 3  # Of the load: sessions a second, and the seconds each talks.

rendered = images = stubs = None
not_here = None  # Why pods cannot be run here.
cluster = peers = None


class Authority:
    """Makes certificates, as docs/install.md does."""

    def __init__(self, folder, name, days):
        self._folder, self._name, self._days = folder, name, days
        self._openssl("req", "-x509", *self._key("ca"), "-subj", f"/CN={name}", "-out", self._file("ca.crt"), "-days", str(days))
        self.certificate = pathlib.Path(self._file("ca.crt")).read_bytes()

    def _file(self, name):
        return f"{self._folder}/{self._name}-{name}"

    def _key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self._file(f"{name}.key")]

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, names):
        """Certificate and key, PEM."""
        self._openssl("req", "-x509", *self._key("leaf"), "-subj", f"/CN={names[0]}", "-days", str(self._days),
                      "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
                      "-CA", self._file("ca.crt"), "-CAkey", self._file("ca.key"), "-out", self._file("leaf.crt"))
        return tuple(pathlib.Path(self._file(name)).read_bytes() for name in ("leaf.crt", "leaf.key"))


class Peers:
    """The pod of phones, core peers and a network function; see peers.py."""

    def __init__(self, folder):
        Authority(folder, "phone", 1)
        os.rename(f"{folder}/phone-ca.crt", f"{folder}/phone.crt")
        os.rename(f"{folder}/phone-ca.key", f"{folder}/phone.key")
        os.mkdir(f"{folder}/tls")
        mounts = {"/usr": "/usr", "/stubs": stubs, "/tests": str(ROOT / "tests"), "/peers": folder}
        volumes = [{"name": f"v{number}", "hostPath": {"path": path, "type": "Directory"}} for number, path in enumerate(mounts.values())]
        self.pod = cluster.start_pod("peers", {"metadata": {"labels": {"app": "peers"}}, "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "peers", "image": "localhost/iqgate-test-peers:1", "command": ["/usr/bin/sleep", "infinity"],
                "env": [{"name": "PYTHONPATH", "value": "/stubs:/tests/foreign"}],
                "volumeMounts": [{"name": f"v{number}", "mountPath": path, "readOnly": True} for number, path in enumerate(mounts)]
                                + [{"name": "tls", "mountPath": "/peers/tls", "readOnly": True}]}],
            "volumes": [*volumes, {"name": "tls", "secret": {"secretName": f"{RELEASE}-client-tls"}}]}})
        self._process = subprocess.Popen(
            self.pod.process_command("/usr/bin/python3", "-B", "/tests/kube/peers.py",
                                     f"{ALG}.{NAMESPACE}.svc.cluster.local:7050", f"{ALG}-pods.{NAMESPACE}.svc.cluster.local:7050",
                                     ALG, self.pod.address, "/peers"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | cluster.storage.environment)

    def end(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, do, **arguments):
        self._process.stdin.write(json.dumps({"do": do} | arguments) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], 60)[0], f"{do}: no reply in a minute"
        line = self._process.stdout.readline()
        assert line, f"{do}: the peers have ended"
        reply = json.loads(line)
        assert "error" not in reply, f"{do}: {reply.get('error')}"
        return reply["ok"]


def build_peers_image(storage):
    """An image of nothing but links: all programs and libraries are those of this host, which are mounted."""
    environment = os.environ | storage.environment
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(f"{root}/usr")
        for name in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
        container = subprocess.run(["buildah", "from", "scratch"], check=True, capture_output=True, text=True, env=environment).stdout.strip()
        for command in (["add", container, root, "/"], ["commit", container, "localhost/iqgate-test-peers:1"], ["rm", container]):
            subprocess.run(["buildah", *command], check=True, capture_output=True, env=environment)


def setUpModule():
    global not_here, cluster, peers
    if not_here:
        return
    storage = pods.Storage(f"{os.environ['SCRATCH']}/storage")
    unittest.addModuleCleanup(storage.remove)
    not_here = pods.why_no_containers(storage, with_network=True)
    if not_here:
        return
    for file in sorted(pathlib.Path(images).glob("*.oci.tar")):
        storage.run("load", "--input", str(file))
    build_peers_image(storage)
    cluster = Cluster(storage, PREFIX, VIRTUAL_PREFIX)
    with open(rendered, encoding="utf-8") as file:
        cluster.apply(document for document in yaml.safe_load_all(file) if document)
    # Network functions use the chart's Service, and one without a virtual address: they differ where pods come and go.
    service = copy.deepcopy(cluster.object("Service", ALG))
    service["metadata"]["name"] = f"{ALG}-pods"
    service["spec"]["clusterIP"] = "None"
    cluster.apply([service])
    started = cluster.start_workload("StatefulSet", AGW) + cluster.start_workload("Deployment", ALG)
    for pod in started:
        pod.wait_until_ready()
    folder = f"{os.environ['SCRATCH']}/peers"
    os.mkdir(folder)
    peers = Peers(folder)
    unittest.addModuleCleanup(peers.end)
    wait_until(lambda: all(pod.metric('iqgate_alg_gateways{state="up"}') == 2 for pod in algs()), "each IMS-ALG has met both IMS-AGWs")


def algs():
    return cluster.pods_of("Deployment", ALG)


def agw(number):
    [pod] = [pod for pod in cluster.pods_of("StatefulSet", AGW) if pod.name == f"{AGW}-{number}"]
    return pod


class KubeTest(unittest.TestCase):
    """The cases run in the order of their names, on the same pods."""

    maxDiff = None

    def setUp(self):
        if not_here:
            self.skipTest(not_here)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        outcome = self._outcome.result
        if any(test is self for test, _ in (*outcome.failures, *outcome.errors)):
            for pod in cluster.pods:
                print(f"---- {pod.name} {pod.address}\n{pod.logs()[-6000:]}", file=sys.stderr)

    def start_load(self):
        peers.ask("load", rate=RATE, hold=HOLD)
        wait_until(lambda: peers.ask("load_counts")["completed"] > 0, "the first session of the load is over")

    def stop_load(self):
        """Nothing has failed; returns the counts."""
        counts = peers.ask("stop_load")
        self.assertEqual(counts["failures"], [], f"{len(counts['failures'])} of {counts['begun']} sessions failed")
        self.assertEqual(counts["completed"], counts["begun"])
        print(f"    load: {counts['completed']} sessions, none failed", file=sys.stderr)
        return counts

    def session_on_each(self):
        """A session that stays, on each IMS-AGW, by the pod's name."""
        sessions = {}
        for _ in range(20):
            session = peers.ask("open")
            self.assertIn("gateway", session)
            if session["gateway"] in sessions:
                peers.ask("close", session_id=session["session_id"])
            else:
                sessions[session["gateway"]] = session["session_id"]
            if len(sessions) == 2:
                return sessions
        self.fail(f"all sessions are on {list(sessions)}")

    def test_1_pods_are_as_the_manifests_say(self):
        for pod in [*cluster.pods_of("StatefulSet", AGW), *algs()]:
            details = pod.inspect()
            with open(f"/proc/{details['State']['Pid']}/status", encoding="ascii") as file:
                status = file.read()
            self.assertRegex(status, r"Uid:\t65532\t65532\t65532\t65532\n", pod.name)
            self.assertRegex(status, r"CapEff:\t0{12}%s\n" % ("1000" if AGW in pod.name else "0000"), pod.name)
            self.assertTrue(details["HostConfig"]["ReadonlyRootfs"], pod.name)
        for number in range(2):
            pod = agw(number)
            [started] = pod.events("agw_started")
            self.assertEqual(started["instance_id"], pod.name)
            addresses = pod.events("realm_address")
            self.assertEqual({event["realm"] for event in addresses}, {"access", "core"})
            self.assertEqual({event["advertised"] for event in addresses}, {pod.address})

    def test_1_helm_test_passes(self):
        """The pod of `helm test`, whose program is iqctl."""
        check = cluster.object("Pod", f"{RELEASE}-check")
        pod = cluster.start_pod(check["metadata"]["name"], check)
        self.assertEqual(pod.wait(), 0, pod.logs())
        pod.delete()

    def test_2_both_call_flows(self):
        for core_connect, core_first in (("CORE_CONNECT_TRIGGERED", False), ("CORE_CONNECT_ALG_ORDERED", True)):
            with self.subTest(core_connect):
                dropped = self.dropped_syns()
                seen = peers.ask("flow", core_connect=core_connect)
                self.assertFalse(seen["refused_or_let_in"], "the early SYN was answered")
                wait_until(lambda before=dropped: self.dropped_syns() > before, "the dropped SYN is counted", timeout=4)
                self.assertEqual(seen["core_first"], core_first)
                self.assertEqual(seen["state"]["code"], "NOT_FOUND", "the session is still there")

    @staticmethod
    def dropped_syns():
        return sum(agw(number).metric("iqgate_agw_dropped_syns_total") for number in range(2))

    def test_3_alg_rolled_under_load(self):
        before = {pod.name for pod in algs()}
        self.start_load()
        ended = cluster.roll_deployment(ALG)
        counts = self.stop_load()
        self.assertEqual(before & {pod.name for pod in algs()}, set())
        self.assertEqual([code for code, _ in ended], [0] * len(ended))
        self.assertEqual(len(counts["gateways"]), 2)

    def test_4_agw_drained_and_rolled_under_load(self):
        sessions = self.session_on_each()
        drain_time = cluster.config(AGW, "agw.yaml")["drain_time"]
        limit = float(drain_time.removesuffix("s"))
        self.start_load()

        # Drained by hand: what is there goes on, what is new goes elsewhere.
        drained, other = agw(1), agw(0)
        result = algs()[0].execute("iqctl", "agw", "drain", drained.name)
        self.assertEqual(result.returncode, 0, result.stderr)
        wait_until(lambda: drained.metric("iqgate_agw_draining") == 1, "it drains")
        wait_until(lambda: not drained.ready, "it is not ready any more")
        self.assertTrue(peers.ask("talk", session_id=sessions[drained.name]))
        before = peers.ask("load_counts")["gateways"]
        time.sleep(2)
        after = peers.ask("load_counts")["gateways"]
        self.assertEqual(after[drained.address], before[drained.address])
        self.assertGreater(after[other.address], before[other.address])

        # And rolled. The session that stays is talked on until just before the deadline.
        ended = []
        roll = threading.Thread(target=lambda: ended.append(cluster.replace(AGW, drained)))
        begin = time.monotonic()
        roll.start()
        while time.monotonic() < begin + limit - 2:
            self.assertTrue(peers.ask("talk", session_id=sessions[drained.name]), "a session was cut before the deadline")
            time.sleep(0.5)
        roll.join()
        code, seconds = ended[0]
        self.assertEqual(code, 0)
        self.assertGreaterEqual(seconds, limit - 1)
        self.assertFalse(peers.ask("talk", session_id=sessions[drained.name]), "the deadline ends sessions")
        wait_until(lambda: peers.ask("state", session_id=sessions[drained.name]) == LOST, "the session is lost")

        # The other one has sessions of the load only, which end by themselves long before the deadline.
        peers.ask("close", session_id=sessions[other.name])
        code, seconds = cluster.replace(AGW, other)
        self.assertEqual(code, 0)
        self.assertLess(seconds, limit - 1)
        counts = self.stop_load()
        self.assertEqual(len(counts["gateways"]), 4, "the new pods have new addresses, and sessions")

    def test_5_certificates_and_authority_replaced_under_load(self):
        """Another authority for everything, in the three steps that it takes: trust both, show the new ones, trust the new one."""
        secrets = {name: cluster.object("Secret", f"{RELEASE}-{name}-tls") for name in ("agw", "alg", "client", "iqctl")}
        old = base64.b64decode(secrets["agw"]["data"]["ca.crt"])
        new = Authority(self.enterContext(tempfile.TemporaryDirectory()), "new", 20)
        sessions = self.session_on_each()
        self.start_load()

        def write(**files):
            for name, secret in secrets.items():
                secret = copy.deepcopy(secret)
                for file, content in files.items():
                    secret["data"][file.replace("_", ".")] = base64.b64encode(content(name) if callable(content) else content).decode()
                secrets[name] = secret
                cluster.apply([secret])

        issued = {name: new.issue([f"{RELEASE}-{name}", f"{RELEASE}-{name}.{NAMESPACE}.svc.cluster.local"]) for name in secrets}
        write(ca_crt=old + new.certificate)
        time.sleep(3)  # Files are looked at once a second.
        ends = {pod.name: pod.metric(self.expiry_of(pod)) for pod in self.services()}
        write(tls_crt=lambda name: issued[name][0], tls_key=lambda name: issued[name][1])
        wait_until(lambda: all(pod.metric(self.expiry_of(pod)) not in (None, ends[pod.name]) for pod in self.services()),
                   "everybody has the new certificates")
        time.sleep(2)
        peers.ask("reconnect")
        write(ca_crt=new.certificate)
        time.sleep(2)
        peers.ask("reconnect")
        for pod, port in [(pod, 7050) for pod in algs()] + [(agw(number), 7060) for number in range(2)]:
            self.assert_shows_certificate_of(pod, port, new.certificate, issued["client"])
            with self.assertRaises(ssl.SSLError):
                self.assert_shows_certificate_of(pod, port, old, issued["client"])
        for name, session_id in sessions.items():
            self.assertTrue(peers.ask("talk", session_id=session_id), f"the session at {name} was cut")
            peers.ask("close", session_id=session_id)
        self.stop_load()

    @staticmethod
    def services():
        return [*algs(), agw(0), agw(1)]

    @staticmethod
    def expiry_of(pod):
        return f"iqgate_{'agw' if AGW in pod.name else 'alg'}_grpc_certificate_expiry_timestamp_seconds"

    def assert_shows_certificate_of(self, pod, port, authority, own):
        """Whoever connects now meets a certificate of that authority."""
        tls = ssl.create_default_context(cadata=authority.decode())
        tls.set_alpn_protocols(["h2"])
        with tempfile.NamedTemporaryFile() as file:
            file.write(own[0] + own[1])
            file.flush()
            tls.load_cert_chain(file.name)
        with socket.create_connection((pod.address, port), 10) as connection, \
             tls.wrap_socket(connection, server_hostname=AGW if AGW in pod.name else ALG):
            pass

    def test_6_a_killed_agw(self):
        sessions = self.session_on_each()
        self.start_load()
        killed, other = agw(0), agw(1)
        incarnation = killed.events("agw_started")[-1]["incarnation"]
        killed.kill()
        gone = time.time()
        wait_until(lambda: peers.ask("state", session_id=sessions[killed.name]) == LOST, "GATEWAY_LOST", timeout=4)
        self.assertEqual(peers.ask("state", session_id=sessions[other.name]), {"gateway": other.name})
        self.assertTrue(peers.ask("talk", session_id=sessions[other.name]))
        for _ in range(3):
            session = peers.ask("open")
            self.assertEqual(session["gateway"], other.name)
            peers.ask("close", session_id=session["session_id"])

        killed.restart()
        wait_until(lambda: killed.ready, "it is ready again")
        self.assertNotEqual(killed.events("agw_started")[-1]["incarnation"], incarnation)
        self.assertEqual(peers.ask("state", session_id=sessions[killed.name]), LOST)
        # Sessions come to it again, and nothing is left of those before.
        back = self.session_on_each()
        for session_id in (*back.values(), sessions[other.name]):
            peers.ask("close", session_id=session_id)
        counts = peers.ask("stop_load")
        for failure in counts["failures"]:
            self.assertEqual(failure["gateway"], killed.address, failure)
            self.assertLess(failure["begin"], gone, failure)
        for pod in (killed, other):
            wait_until(lambda pod=pod: pod.metric("iqgate_agw_contexts") == 0, f"no context is left at {pod.name}")


if __name__ == "__main__":
    if sys.argv[1].startswith("--not-here="):
        not_here = sys.argv.pop(1).removeprefix("--not-here=")
    else:
        rendered, images, stubs = sys.argv[1:4]
        del sys.argv[1:4]
    junit.main()
