"""As much of Kubernetes as it takes to run rendered manifests as real pods, with `podman kube play`.

podman makes the pods: containers, networks, limits, privileges. What it does not know is here, and does what Kubernetes' documents say:
Deployments and StatefulSets become pods one by one, the downward API is filled in, ConfigMaps and Secrets are folders whose
content is swapped at once, readiness is asked for over HTTP, Services are names in DNS, which stand for their ready pods or for
a virtual address that leads to one of them.
"""

import base64
import copy
import itertools
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

import yaml

import name_server
from pods import IDLE_IMAGE, PATIENCE

NAMESPACE = "default"
DOMAIN = "cluster.local"
NODE = "node-1"


def wait_until(condition, what, timeout=PATIENCE):
    """Looks every few milliseconds; returns what the condition says."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.03)
    return found


class ProjectedFolder:
    """Files as a kubelet presents those of a ConfigMap or Secret: links to files in a folder that a link leads to, and another
    content is another folder, to which that link leads from one moment to the next."""

    _numbers = itertools.count()

    def __init__(self, path, files):
        self.path = path
        os.makedirs(path)
        self.write(files)

    def write(self, files):
        folder = f"..{next(self._numbers)}"
        os.makedirs(f"{self.path}/{folder}")
        for name, content in files.items():
            with open(f"{self.path}/{folder}/{name}", "wb") as file:
                file.write(content)
            if not os.path.lexists(f"{self.path}/{name}"):
                os.symlink(f"..data/{name}", f"{self.path}/{name}")
        os.symlink(folder, f"{self.path}/..next")
        before = os.path.realpath(f"{self.path}/..data") if os.path.lexists(f"{self.path}/..data") else None
        os.rename(f"{self.path}/..next", f"{self.path}/..data")
        if before:
            shutil.rmtree(before)


class Pod:
    """A pod whose manifest has one container, and what a kubelet does about it."""

    def __init__(self, cluster, name, template, address):
        self.cluster, self.name, self.address = cluster, name, address
        self.labels = template["metadata"].get("labels", {})
        self._spec = copy.deepcopy(template["spec"])
        [self._container] = self._spec["containers"]
        self._id = f"{name}-{self._container['name']}"  # The container's name at podman.
        self._probe = self._container.get("readinessProbe")
        self._ends = threading.Event()
        self.ready = self._probe is None
        self.terminating = False
        self._start()
        if self._probe:
            threading.Thread(target=self._ask_whether_ready, daemon=True).start()

    def _start(self):
        spec = {
            "hostname": self.name,
            "restartPolicy": "Never",  # Restarts are the test's.
            "securityContext": self._spec.get("securityContext", {}),
            # As a kubelet writes it for the policy ClusterFirst.
            "dnsConfig": {"nameservers": [self.cluster.gateway], "options": [{"name": "ndots", "value": "5"}],
                          "searches": [f"{NAMESPACE}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]},
        }
        # Not the ports: to Kubernetes they are information, podman would publish them on the host.
        container = {key: self._container[key] for key in
                     ("name", "image", "command", "args", "resources", "securityContext", "volumeMounts") if key in self._container}
        container["imagePullPolicy"] = "Never"
        fields = {"metadata.name": self.name, "metadata.namespace": NAMESPACE, "status.podIP": self.address,
                  "spec.nodeName": NODE, "status.hostIP": self.cluster.gateway}
        container["env"] = [
            {"name": entry["name"], "value": entry["value"] if "value" in entry else fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]}
            for entry in self._container.get("env", [])]
        # Kubernetes has runAsUser at the pod hold for its containers; this podman reads it at the container.
        inherited = {key: spec["securityContext"][key] for key in ("runAsUser", "runAsGroup", "runAsNonRoot") if key in spec["securityContext"]}
        container["securityContext"] = inherited | container.get("securityContext", {})
        # podman takes a pod down with its last program, and its network with it, which a kubelet keeps when a program crashes.
        keeper = {"name": "keeper", "image": IDLE_IMAGE, "imagePullPolicy": "Never"}
        spec["containers"] = [container, keeper]
        spec["volumes"] = [{"name": volume["name"], "hostPath": self._host_path(volume)} for volume in self._spec.get("volumes", [])]
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "labels": self.labels}, "spec": spec}
        file = f"{self.cluster.storage.folder}/{self.name}.json"
        with open(file, "w", encoding="utf-8") as opened:
            json.dump(manifest, opened)
        self.cluster.storage.run("kube", "play", "--network", self.cluster.network, "--ip", self.address, "--no-hosts", file)

    def _host_path(self, volume):
        if "hostPath" in volume:
            return volume["hostPath"]
        kind, name = ("ConfigMap", volume["configMap"]["name"]) if "configMap" in volume else ("Secret", volume["secret"]["secretName"])
        return {"path": self.cluster.folder_of(kind, name).path, "type": "Directory"}

    def _port(self, port):
        """A number, or a name among the container's ports."""
        return next((entry["containerPort"] for entry in self._container["ports"] if entry.get("name") == port), port)

    def get(self, port, path):
        """What the pod answers over HTTP: the status and the text; 0 if nothing."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{self._port(port)}{path}", timeout=PATIENCE) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    def metric(self, series):
        """The value of a series; None if the pod does not answer or has none such."""
        for line in self.get("http", "/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return None

    def _ask_whether_ready(self):
        ask = self._probe["httpGet"]
        # More often than the probe says until it is ready; a start probe asks often, too.
        while not self._ends.wait(self._probe.get("periodSeconds", 10) if self.ready else 0.2):
            self.ready = self.get(ask["port"], ask["path"])[0] == 200

    def wait_until_ready(self):
        wait_until(lambda: self.ready or self._must_run(), f"{self.name} is ready")
        return self

    def _must_run(self):
        state = self.inspect()["State"]
        assert state["Running"], f"{self.name} has ended with {state['ExitCode']}: {self.logs()}"

    def inspect(self):
        return json.loads(self.cluster.storage.run("container", "inspect", self._id).stdout)[0]

    def logs(self):
        result = self.cluster.storage.run("logs", self._id, check=False)
        return result.stdout + result.stderr

    def events(self, name):
        """The lines of its log with that event."""
        lines = [line for line in self.logs().splitlines() if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event.get("event") == name]

    def execute(self, *command):
        """Runs a program in the container, as `kubectl exec` does."""
        return self.cluster.storage.run("exec", self._id, *command, check=False, timeout=PATIENCE)

    def process_command(self, *command):
        """The command line of a program that runs in the container and is talked to."""
        return [*self.cluster.storage.podman, "exec", "--interactive", self._id, *command]

    def kill(self):
        """SIGKILL for the program; the pod stays, with its address, as it does when a container crashes."""
        self.ready = False
        self.cluster.storage.run("kill", "--signal=KILL", self._id)
        self.cluster.storage.run("wait", self._id, timeout=PATIENCE)

    def wait(self):
        """The exit code of a program that ends by itself."""
        return int(self.cluster.storage.run("wait", self._id, timeout=PATIENCE).stdout)

    def restart(self):
        """Starts the container again, in the same pod."""
        self.cluster.storage.run("start", self._id)

    def delete(self):
        """What Kubernetes does with a pod that is to go; the exit code of its program, and how long it took after SIGTERM."""
        self.terminating = True
        hook = self._container.get("lifecycle", {}).get("preStop", {}).get("sleep")
        if hook:
            time.sleep(hook["seconds"])
        grace = self._spec.get("terminationGracePeriodSeconds", 30)
        start = time.monotonic()
        self.cluster.storage.run("stop", f"--time={grace}", self._id, timeout=grace + PATIENCE)
        seconds = time.monotonic() - start
        self._ends.set()
        self.ready = False
        code = self.inspect()["State"]["ExitCode"]
        self.last_logs = self.logs()
        self.cluster.pods.remove(self)
        self.cluster.storage.run("pod", "rm", "--force", "--time=0", self.name)
        return code, seconds


class Cluster:
    """Objects, and the pods that run of them, in one network of this host."""

    def __init__(self, storage, prefix, virtual_prefix):
        """The prefixes are the first three numbers of /24 networks that are nobody else's: of pods, and of Services."""
        self.storage, self.gateway, self.network = storage, f"{prefix}.1", "pods"
        self._addresses = (f"{prefix}.{host}" for host in range(10, 250))
        self.pods = []
        self._objects = {}
        self._folders = {}
        self._numbers = itertools.count(1)
        self._virtual_addresses = {}  # By the name of the Service.
        self._unused_virtual_addresses = (f"{virtual_prefix}.{host}" for host in range(1, 250))
        storage.run("network", "create", "--disable-dns", "--subnet", f"{prefix}.0/24", "--gateway", self.gateway, self.network)
        name_server.NameServer(self.gateway, self.addresses_of)
        # Virtual addresses are looked for beyond the network, at this host. The pods' answers must come back here.
        for rule in (["-N", "LEAD"], ["-A", "PREROUTING", "-j", "LEAD"],
                     ["-A", "POSTROUTING", "-m", "conntrack", "--ctstate", "DNAT", "-j", "MASQUERADE"]):
            subprocess.run(["iptables", "-t", "nat", *rule], check=True, capture_output=True)
        threading.Thread(target=self._lead_virtual_addresses, daemon=True).start()

    def apply(self, documents):
        """Takes objects in, or another content of those that are there; pods are started by start_...()."""
        for document in documents:
            kind, name = document["kind"], document["metadata"]["name"]
            if kind == "Service" and document["spec"].get("clusterIP") != "None" and name not in self._virtual_addresses:
                self._virtual_addresses[name] = next(self._unused_virtual_addresses)
            self._objects[kind, name] = document
            if (kind, name) in self._folders:
                self._folders[kind, name].write(self._files(kind, name))

    def object(self, kind, name):
        return self._objects[kind, name]

    def config(self, name, file):
        """The content of a file of a ConfigMap."""
        return yaml.safe_load(self._objects["ConfigMap", name]["data"][file])

    def _files(self, kind, name):
        document = self._objects[kind, name]
        if kind == "Secret":
            return ({key: base64.b64decode(value) for key, value in document.get("data", {}).items()}
                    | {key: value.encode() for key, value in document.get("stringData", {}).items()})
        return {key: value.encode() for key, value in document["data"].items()}

    def folder_of(self, kind, name):
        if (kind, name) not in self._folders:
            self._folders[kind, name] = ProjectedFolder(f"{self.storage.folder}/{kind}-{name}", self._files(kind, name))
        return self._folders[kind, name]

    def start_pod(self, name, template):
        """Every pod has an address nobody had before it."""
        pod = Pod(self, name, template, next(self._addresses))
        self.pods.append(pod)
        return pod

    def start_workload(self, kind, name):
        """The pods of a Deployment or a StatefulSet."""
        count = self._objects[kind, name]["spec"].get("replicas", 1)
        return [self._start_one(kind, name, ordinal) for ordinal in range(count)]

    def _start_one(self, kind, name, ordinal):
        suffix = ordinal if kind == "StatefulSet" else f"pod{next(self._numbers)}"
        return self.start_pod(f"{name}-{suffix}", self._objects[kind, name]["spec"]["template"])

    def pods_of(self, kind, name):
        selector = self._objects[kind, name]["spec"]["selector"]["matchLabels"]
        return [pod for pod in self.pods if selector.items() <= pod.labels.items()]

    def roll_deployment(self, name):
        """maxSurge 1, maxUnavailable 0: another one is ready before one goes. Returns what delete() did."""
        ended = []
        for pod in self.pods_of("Deployment", name):
            self._start_one("Deployment", name, None).wait_until_ready()
            ended.append(pod.delete())
        return ended

    def roll_stateful_set(self, name):
        """The last one first; the next one when its successor has been ready for minReadySeconds. Returns what delete() did."""
        ended = []
        for pod in sorted(self.pods_of("StatefulSet", name), key=lambda pod: pod.name, reverse=True):
            ended.append(self.replace(name, pod))
        return ended

    def replace(self, name, pod):
        """Another pod of the same name in the place of one of a StatefulSet."""
        ended = pod.delete()
        self._start_one("StatefulSet", name, int(pod.name.rpartition("-")[2])).wait_until_ready()
        time.sleep(self._objects["StatefulSet", name]["spec"].get("minReadySeconds", 0))
        return ended

    def endpoints(self, service):
        """The addresses of a Service's pods."""
        also_unready = service["spec"].get("publishNotReadyAddresses", False)
        return [pod.address for pod in list(self.pods) if service["spec"]["selector"].items() <= pod.labels.items()
                and (also_unready or (pod.ready and not pod.terminating))]

    def addresses_of(self, name):
        """What DNS says of a Service; None if there is none of that name."""
        suffix = f".{NAMESPACE}.svc.{DOMAIN}"
        service = self._objects.get(("Service", name.removesuffix(suffix)))
        if not name.endswith(suffix) or service is None:
            return None
        if service["spec"].get("clusterIP") == "None":
            return self.endpoints(service)
        return [self._virtual_addresses[service["metadata"]["name"]]]

    def _lead_virtual_addresses(self):
        """Each new connection to a virtual address goes to one of the pods behind it, by chance; those that are up stay where they
        are. What kube-proxy does with iptables."""
        led = None
        while True:
            endpoints = {address: self.endpoints(self._objects["Service", name]) for name, address in list(self._virtual_addresses.items())}
            if endpoints != led:
                led = endpoints
                rules = [":LEAD - [0:0]"]
                for virtual, actual in endpoints.items():
                    rules += [f"-A LEAD -d {virtual} -p tcp -m statistic --mode random --probability {1 / (len(actual) - number):.6f}"
                              f" -j DNAT --to-destination {address}" for number, address in enumerate(actual)]
                subprocess.run(["iptables-restore", "--noflush"], input="\n".join(["*nat", *rules, "COMMIT", ""]), text=True, check=True)
            time.sleep(0.1)
