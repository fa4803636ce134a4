"""Containers and pods for tests, with podman: in a storage of their own, so that nothing is left and nobody else's are touched."""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(os.path.realpath(__file__)).parent
PATIENCE = 30  # Seconds; nothing waits that long when all is well.


class Storage:
    """A folder for images, containers and networks. `podman` is the beginning of a command line that uses it.

    Whoever makes one removes it: `remove()`.
    """

    def __init__(self, folder):
        self.folder = folder
        self._cgroups_before = set(_control_groups())
        for name in ("root", "run", "tmp", "networks", "volumes"):
            os.makedirs(f"{folder}/{name}")
        self._configure("overlay")
        self.podman = ["podman", "--log-level=error", f"--runtime={HERE / 'runtime'}", f"--tmpdir={folder}/tmp",
                       f"--volumepath={folder}/volumes", f"--network-config-dir={folder}/networks", "--network-cmd-path=",
                       "--cgroup-manager=cgroupfs", "--events-backend=none"]
        if self.run("info", check=False).returncode != 0:
            self._configure("vfs")  # Where nothing can be mounted.

    def _configure(self, driver):
        with open(f"{self.folder}/storage.conf", "w", encoding="utf-8") as file:
            file.write(f'[storage]\ndriver = "{driver}"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')

    @property
    def environment(self):
        """For podman and buildah."""
        return {"CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf"}

    def run(self, *arguments, check=True, **options):
        """Runs podman; an error has what it said."""
        result = subprocess.run([*self.podman, *arguments], check=False, capture_output=True, text=True,
                                env=os.environ | self.environment, **options)
        if check and result.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {result.stderr.strip()}")
        return result

    def remove(self):
        """Containers, pods, networks, images; then the folder."""
        for command in (["kill", "--all", "--signal=KILL"], ["pod", "rm", "--all", "--force"], ["rm", "--all", "--force"],
                        ["network", "prune", "--force"], ["volume", "prune", "--force"]):
            self.run(*command, check=False)
        for mount in sorted(self._mounts(), key=len, reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        # runc leaves those without a controller where there are two versions of control groups.
        for group in sorted(set(_control_groups()) - self._cgroups_before, key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(group)
        shutil.rmtree(self.folder)

    def _mounts(self):
        with open("/proc/self/mounts", encoding="utf-8") as file:
            places = [line.split()[1] for line in file]
        return [place for place in places if place.startswith(self.folder + "/")]


def _control_groups():
    """Those of podman's pods and containers."""
    return [folder for top in glob.glob("/sys/fs/cgroup/libpod_parent") + glob.glob("/sys/fs/cgroup/*/libpod_parent")
            for folder, _, _ in os.walk(top)]


class Container:
    """One container, running."""

    def __init__(self, storage, image, options, arguments=()):
        self._storage = storage
        self.id = storage.run("run", "--detach", *options, image, *arguments).stdout.strip()

    def inspect(self):
        return json.loads(self._storage.run("inspect", self.id).stdout)[0]

    def pid(self):
        return self.inspect()["State"]["Pid"]

    def logs(self):
        result = self._storage.run("logs", self.id, check=False)
        return result.stdout + result.stderr

    def wait_for_log(self, event):
        """Until it has written the line of that event."""
        deadline = time.monotonic() + PATIENCE
        while f'"event":"{event}"' not in self.logs():
            state = self.inspect()["State"]
            if not state["Running"] or time.monotonic() > deadline:
                raise AssertionError(f"no {event}, state {state['Status']}, exit code {state['ExitCode']}: {self.logs()}")
            time.sleep(0.05)

    def wait(self):
        """Its exit code."""
        return int(self._storage.run("wait", self.id, timeout=PATIENCE).stdout)

    def stop(self):
        """SIGTERM; its exit code, 137 if it had to be killed."""
        self._storage.run("stop", f"--time={PATIENCE}", self.id)
        return self.inspect()["State"]["ExitCode"]

    def remove(self):
        self._storage.run("rm", "--force", "--time=0", self.id, check=False)


IDLE_IMAGE = "localhost/iqgate-test-idle:1"  # Its program does nothing until it is told to end.


def why_no_containers(storage, with_network=False):
    """Why containers cannot be run here, or None. Asked with an image that is none of ours, IDLE_IMAGE: where ours fail is no
    excuse."""
    environment = os.environ | storage.environment
    with contextlib.ExitStack() as stack:
        try:
            container = subprocess.run(["buildah", "from", "scratch"], check=True, capture_output=True, text=True,
                                       env=environment).stdout.strip()
            stack.callback(subprocess.run, ["buildah", "rm", container], check=False, capture_output=True, env=environment)
            for command in (["add", container, shutil.which("catatonit"), "/catatonit"],
                            ["config", "--entrypoint", '["/catatonit", "-P"]', container], ["commit", container, IDLE_IMAGE]):
                subprocess.run(["buildah", *command], check=True, capture_output=True, text=True, env=environment)
        except subprocess.CalledProcessError as error:
            return f"buildah cannot build here: {error.stderr.strip()}"
        network = "none"
        if with_network:
            network = "probe"
            result = storage.run("network", "create", "--disable-dns", "--subnet=198.18.59.0/24", network, check=False)
            if result.returncode != 0:
                return f"podman cannot make a network here: {result.stderr.strip()}"
            stack.callback(storage.run, "network", "rm", network, check=False)
        result = storage.run("run", "--detach", f"--network={network}", IDLE_IMAGE, check=False)
        if result.returncode != 0:
            return f"podman cannot run a container here: {result.stderr.strip()}"
        storage.run("rm", "--force", "--time=0", result.stdout.strip(), check=False)
    return None
