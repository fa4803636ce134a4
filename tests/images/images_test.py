#!/usr/bin/python3
"""What tools/images makes: is everything true of the images that is said of them?

Usage: images_test.py [--output=FOLDER]; tools/check_images runs it.

Builds the images twice, in storages of its own, looks at every file of every layer, and runs them where containers can be run.
With --output the images of the first build stay there, as tools/images writes them.
"""

import functools
import hashlib
import io
import itertools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(os.path.realpath(__file__)).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "foreign"), str(ROOT / "tests" / "kube")]

import junit
import pods

NOT_ROOT = os.geteuid() != 0
SIZE_LIMIT = 60_000_000
USER = "65532:65532"
PROGRAMS = {"iqgate-agw": {"iqgate-agw", "iqctl"}, "iqgate-alg": {"iqgate-alg", "iqctl"}, "iqgate-iqctl": {"iqctl"}}
PORTS = {"iqgate-agw": {"7060/tcp", "9060/tcp"}, "iqgate-alg": {"7050/tcp", "9050/tcp"}, "iqgate-iqctl": set()}
SHELLS = {"sh", "bash", "dash", "busybox", "ash", "zsh", "ksh", "csh", "python3", "perl"}
CAP_NET_ADMIN = 1 << 12
SEALED = ["--read-only", "--read-only-tmpfs=false", "--network=none", "--cap-drop=ALL"]

scratch = tempfile.TemporaryDirectory()
output = None  # Of the first build.
images = {}


def run(*arguments, check=True, **options):
    return subprocess.run(arguments, check=check, capture_output=True, text=True, **options).stdout


def git(*arguments):
    return run("git", "-C", str(ROOT), *arguments).strip()


class Image:
    """An oci-archive, read."""

    def __init__(self, file):
        self.blobs = {}
        with tarfile.open(file) as archive:
            for member in archive:
                if member.isfile():
                    self.blobs[member.name] = archive.extractfile(member).read()
        [entry] = json.loads(self.blobs["index.json"])["manifests"]
        self.digest = entry["digest"]
        manifest = json.loads(self._blob(self.digest))
        self.config = json.loads(self._blob(manifest["config"]["digest"]))
        [layer] = manifest["layers"]
        self.members, self.contents = {}, {}
        with tarfile.open(fileobj=io.BytesIO(self._blob(layer["digest"]))) as files:
            for member in files:
                path = "/" + member.name.strip("/")
                self.members[path] = member
                if member.isfile():
                    self.contents[path] = files.extractfile(member).read()

    def _blob(self, digest):
        content = self.blobs["blobs/" + digest.replace(":", "/")]
        assert hashlib.sha256(content).hexdigest() == digest.removeprefix("sha256:"), digest
        return content

    def elves(self):
        return {path for path, content in self.contents.items() if content.startswith(b"\x7fELF")}

    def find_object(self, name, folders):
        """Where the loader finds a shared object, by the folders of Debian's loader and those of a RUNPATH."""
        machine = os.uname().machine
        for folder in (*folders, f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib"):
            if f"{folder}/{name}" in self.contents:
                return f"{folder}/{name}"
        return None


def dynamic_section(content):
    """Needed names, RUNPATH folders and flags of an ELF file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        text = run("readelf", "--dynamic", "--wide", file.name)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", text)
    runpath = [folder for found in re.findall(r"\(RUNPATH\).*\[(.+)\]", text) for folder in found.split(":")]
    flags = " ".join(re.findall(r"\((?:FLAGS|FLAGS_1)\)\s+(.*)", text))
    return needed, runpath, flags


def build(folder, time_zone):
    """Runs tools/images with a storage of its own, in other circumstances each time."""
    storage = pods.Storage(f"{scratch.name}/storage-{len(os.listdir(scratch.name))}")
    unittest.addModuleCleanup(storage.remove)
    environment = os.environ | storage.environment | {"TZ": time_zone}
    result = subprocess.run([ROOT / "tools/images", f"--output={folder}"], check=False, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, f"tools/images ended with {result.returncode}:\n{result.stdout}"
    return storage


def setUpModule():
    global output, storage
    if NOT_ROOT:
        return
    unittest.addModuleCleanup(scratch.cleanup)
    output = output or f"{scratch.name}/output"
    storage = build(output, "UTC")
    for file in sorted(pathlib.Path(output).glob("*.oci.tar")):
        images[file.name.removesuffix(".oci.tar")] = Image(file)


def for_each_image(test):
    """A method with a name and an Image becomes one that is called with each."""
    @functools.wraps(test)
    def run_all(self):
        for name, image in images.items():
            with self.subTest(name):
                test(self, name, image)
    return run_all


@unittest.skipIf(NOT_ROOT, "images are built by root")
class ImagesTest(unittest.TestCase):

    def test_all_are_there(self):
        self.assertEqual(set(images), set(PROGRAMS))

    def test_building_again_gives_the_same_digests(self):
        with tempfile.TemporaryDirectory() as again:
            os.umask(0o077)
            try:
                build(again, "Pacific/Auckland")
            finally:
                os.umask(0o022)
            for name, image in images.items():
                self.assertEqual(Image(f"{again}/{name}.oci.tar").digest, image.digest)
                self.assertIn(f"{image.digest}  {name}:", pathlib.Path(output, "digests.txt").read_text(encoding="ascii"))

    @for_each_image
    def test_size(self, name, image):
        size = sum(map(len, image.contents.values()))
        self.assertLess(size, SIZE_LIMIT)

    def test_labels(self):
        version = re.search(r'kVersion\[\] = "(.+)"', (ROOT / "common/version.h").read_text(encoding="ascii")).group(1)
        created = run("date", "-u", "-d", "@" + git("log", "-1", "--format=%ct"), "+%Y-%m-%dT%H:%M:%SZ").strip()
        changes = "-with-changes" if git("status", "--porcelain") else ""
        for name, image in images.items():
            labels = {key.removeprefix("org.opencontainers.image."): value
                      for key, value in image.config["config"]["Labels"].items()}
            self.assertEqual(labels["version"], version)
            self.assertEqual(labels["created"], created)
            self.assertEqual(image.config["created"], created)
            self.assertEqual(labels["revision"], git("rev-parse", "HEAD") + changes)
            self.assertIn("iqgate", labels["title"])
            self.assertGreater(len(labels["description"]), 20)
            known = {licence["licenseId"] for licence in self.sbom(image)["hasExtractedLicensingInfos"]}
            self.assertLessEqual(set(labels["licenses"].split(" AND ")), known, name)

    @for_each_image
    def test_how_it_is_run(self, name, image):
        config = image.config["config"]
        self.assertEqual(config["User"], USER)
        entry_point = "/usr/bin/" + (name if name != "iqgate-iqctl" else "iqctl")
        self.assertEqual(config["Entrypoint"], [entry_point])
        self.assertEqual(set(config.get("ExposedPorts", {})), PORTS[name])
        self.assertEqual(config["Env"], ["PATH=/usr/bin"])  # So that `kubectl exec POD -- iqctl` finds it.

    @for_each_image
    def test_files_belong_to_root_and_nobody_else_may_write(self, name, image):
        for path, member in image.members.items():
            self.assertEqual((member.uid, member.gid), (0, 0), path)
            if not member.issym():
                self.assertEqual(member.mode & 0o6022, 0, f"{path} has mode {member.mode:o}")
            self.assertTrue(member.isfile() or member.isdir() or member.issym(), path)

    @for_each_image
    def test_file_capability(self, name, image):
        found = {path: member.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape")
                 for path, member in image.members.items() if "SCHILY.xattr.security.capability" in member.pax_headers}
        if name != "iqgate-agw":
            self.assertEqual(found, {})
            return
        self.assertEqual(list(found), ["/usr/bin/iqgate-agw"])
        magic, permitted, *_ = struct.unpack("<5I", found["/usr/bin/iqgate-agw"])
        self.assertEqual(permitted, CAP_NET_ADMIN)
        self.assertEqual(magic & 1, 0)  # In effect by itself: where it is not given the program could not even start.

    @for_each_image
    def test_nothing_in_it_but_programs_what_they_load_and_licences(self, name, image):
        programs = {f"/usr/bin/{program}" for program in PROGRAMS[name]}
        expected = set(programs)
        todo = sorted(programs)
        while todo:
            path = todo.pop()
            needed, runpath, _ = dynamic_section(image.contents[path])
            for wanted in needed:
                found = image.find_object(wanted, runpath)
                self.assertIsNotNone(found, f"{path} needs {wanted}")
                if found not in expected:
                    expected.add(found)
                    todo.append(found)
        for program in programs:
            interpreter = re.search(rb"/lib64/ld-linux[\w.-]+|/lib/ld-linux[\w.-]+", image.contents[program]).group().decode()
            expected.add("/usr" + interpreter)
        self.assertEqual(image.elves(), expected)
        documents = [r"/usr/share/doc/[^/]+/copyright", r"/usr/share/common-licenses/[^/]+",
                     r"/usr/share/iqgate/sbom\.spdx\.json", r"/etc/(passwd|group|nsswitch\.conf)"]
        others = [path for path in set(image.contents) - expected if not re.fullmatch("|".join(documents), path)]
        self.assertEqual(others, [])
        self.assertEqual({os.path.basename(path) for path in image.members} & SHELLS, set())

    @for_each_image
    def test_programs_are_hardened(self, name, image):
        for program in PROGRAMS[name]:
            content = image.contents[f"/usr/bin/{program}"]
            with tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                header = run("readelf", "--file-header", "--program-headers", "--wide", file.name)
                sections = run("readelf", "--sections", "--wide", file.name)
                symbols = run("readelf", "--dyn-syms", "--wide", file.name)
            flags = dynamic_section(content)[2]
            self.assertRegex(header, r"Type:\s+DYN")
            self.assertRegex(flags, r"\bPIE\b")
            self.assertRegex(header, r"\bGNU_RELRO\b")
            self.assertRegex(flags, r"\bBIND_NOW\b")
            self.assertRegex(header, r"GNU_STACK\s+(0x\w+\s+){5}RW\s")
            self.assertIn("__stack_chk_fail", symbols)
            self.assertRegex(symbols, r"__\w+_chk@GLIBC")
            self.assertNotRegex(sections, r"\.symtab\b|\.debug_info\b")
            self.assertRegex(sections, r"\.gnu_debuglink\b")

    def test_our_code_is_compiled_with_the_flags(self):
        """By what the compiler has written into the symbols; it does not write definitions, so those by Bazel's command lines."""
        wanted = {"-O2", "-fPIC", "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full"}
        for path in pathlib.Path(output, "debug").rglob("*.debug"):
            producers = re.findall(r"DW_AT_producer\s*:.*?(GNU C\S* .*)", run("readelf", "--debug-dump=info", "--wide", str(path)))
            ours = [producer for producer in producers if "-frandom-seed=bazel-out/" in producer]
            self.assertGreater(len(ours), 10)
            for producer in ours:
                self.assertEqual(wanted - set(producer.split()), set(), producer)
        bazel = os.environ.get("BAZEL", "bazel").split()
        labels = " + ".join(f"deps({label})" for label in ("//:agw", "//:alg", "//iqctl:iqctl"))
        commands = run(*bazel, "aquery", "--config=release", "--output=text", "--noshow_progress",
                       f'mnemonic("CppCompile", {labels})', cwd=ROOT).split("\naction ")
        commands = [command for command in commands if "Command Line" in command]
        self.assertGreater(len(commands), 100)
        for command in commands:
            self.assertRegex(command, r"(?s)-D_FORTIFY_SOURCE=1.*-U_FORTIFY_SOURCE.*-D_FORTIFY_SOURCE=2")

    @for_each_image
    def test_symbols_are_split_off(self, name, image):
        """A debugger finds them by the build id, or by the name and the check sum in the program."""
        for program in PROGRAMS[name]:
            content = image.contents[f"/usr/bin/{program}"]
            with tempfile.TemporaryDirectory() as folder:
                file = f"{folder}/{program}"
                pathlib.Path(file).write_bytes(content)
                identity = re.search(r"Build ID: (\w+)", run("readelf", "--notes", "--wide", file)).group(1)
                symbols = pathlib.Path(output, "debug", ".build-id", identity[:2], identity[2:] + ".debug")
                run("objcopy", "--dump-section", f".gnu_debuglink={folder}/link", file, f"{folder}/copy")
                link = pathlib.Path(folder, "link").read_bytes()
            self.assertEqual(link.split(b"\0")[0].decode(), symbols.name)
            self.assertEqual(struct.unpack("<I", link[-4:])[0], zlib.crc32(symbols.read_bytes()))
            self.assertRegex(run("readelf", "--symbols", "--wide", str(symbols)), r"FUNC .* main\n")

    def test_where_it_was_built_is_not_in_it(self):
        places = {str(ROOT), os.path.expanduser("~/.cache"), scratch.name, os.uname().nodename}
        bazel = os.environ.get("BAZEL", "bazel").split()
        places |= {run(*bazel, "info", what, cwd=ROOT).strip() for what in ("output_base", "workspace")}
        for name, image in images.items():
            for program in PROGRAMS[name]:
                for place in places:
                    if len(place) > 3:  # Short names of hosts are in any text.
                        self.assertNotIn(place.encode(), image.contents[f"/usr/bin/{program}"])

    @staticmethod
    def sbom(image):
        return json.loads(image.contents["/usr/share/iqgate/sbom.spdx.json"])

    @for_each_image
    def test_sbom_is_valid_spdx(self, name, image):
        document = self.sbom(image)
        self.assertEqual(document["spdxVersion"], "SPDX-2.3")
        self.assertEqual(document["dataLicense"], "CC0-1.0")
        self.assertRegex(document["documentNamespace"], r"^https://[^#]+$")
        self.assertEqual(document["creationInfo"]["created"], image.config["created"])
        elements = [document, *document["packages"], *document["files"]]
        ids = [element["SPDXID"] for element in elements]
        self.assertEqual(len(ids), len(set(ids)))
        for identity in ids:
            self.assertRegex(identity, r"^SPDXRef-[A-Za-z0-9.-]+$")
        licences = {licence["licenseId"] for licence in document["hasExtractedLicensingInfos"]}
        for package in document["packages"]:
            self.assertLessEqual({"name", "downloadLocation", "versionInfo", "supplier", "licenseDeclared"}, set(package))
            self.assertIn(package["licenseDeclared"], licences | {"NONE", "NOASSERTION"})
        for relation in document["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, set(ids))
        self.assertEqual(pathlib.Path(output, f"{name}.spdx.json").read_text(encoding="utf-8"),
                         image.contents["/usr/share/iqgate/sbom.spdx.json"].decode())

    def test_sbom_has_every_file_with_its_package_and_version(self):
        installed = dict(line.split("\t") for line in run("dpkg-query", "-W", "-f", "${Package}\t${Version}\n").splitlines())
        for image in images.values():
            document = self.sbom(image)
            packages = {package["SPDXID"]: package for package in document["packages"]}
            files = {file["SPDXID"]: file for file in document["files"]}
            self.assertEqual({file["fileName"][1:] for file in files.values()},
                             set(image.contents) - {"/usr/share/iqgate/sbom.spdx.json"})
            owners = self.owners(image.contents)
            contained = {}
            for relation in document["relationships"]:
                if relation["relationshipType"] == "CONTAINS" and relation["relatedSpdxElement"] in files:
                    contained.setdefault(relation["spdxElementId"], []).append(files[relation["relatedSpdxElement"]])
            for identity, those in contained.items():
                package = packages[identity]
                sums = []
                for file in those:
                    path, content = file["fileName"][1:], image.contents[file["fileName"][1:]]
                    found = {item["algorithm"]: item["checksumValue"] for item in file["checksums"]}
                    self.assertEqual(found["SHA256"], hashlib.sha256(content).hexdigest(), path)
                    self.assertEqual(found["SHA1"], hashlib.sha1(content).hexdigest(), path)
                    sums.append(found["SHA1"])
                    if package["name"] == "iqgate":
                        self.assertRegex(path, r"^/usr/bin/|^/etc/")
                    else:
                        # What dpkg says itself if it is asked the other way round.
                        self.assertIn(package["name"], owners[path])
                code = package["packageVerificationCode"]["packageVerificationCodeValue"]
                self.assertEqual(code, hashlib.sha1("".join(sorted(sums)).encode()).hexdigest())
            for package in packages.values():
                if package["name"] in installed:
                    self.assertEqual(package["versionInfo"], installed[package["name"]])
                    self.assertIn(f"/{package['name']}@".replace("+", "%2B"),
                                  package["externalRefs"][0]["referenceLocator"])
            self.assertEqual({file["SPDXID"] for file in itertools.chain(*contained.values())}, set(files))

    @staticmethod
    def owners(paths):
        """The packages of each file, by dpkg; the image may have a file under the name of a link to it."""
        candidates = {path: {name for file in (path, os.path.realpath(path)) for name in (file, file.removeprefix("/usr"))}
                      for path in paths}
        owners = {}
        for line in run("dpkg-query", "-S", *set().union(*candidates.values()), check=False).splitlines():
            names, _, file = line.partition(": ")
            owners[file] = {name.split(":")[0] for name in names.split(", ")}
        return {path: set().union(*(owners.get(name, set()) for name in names)) for path, names in candidates.items()}

    @for_each_image
    def test_sbom_names_what_is_linked_in(self, name, image):
        """gRPC and its own OpenSSL are parts of the programs: an advisory must be found by their packages."""
        document = self.sbom(image)
        names = {package["SPDXID"]: package["name"] for package in document["packages"]}
        linked = {names[relation["relatedSpdxElement"]] for relation in document["relationships"]
                  if relation["relationshipType"] == "STATIC_LINK"}
        self.assertLessEqual({"libgrpc-dev", "libgrpc++-dev", "libssl-dev"}, linked)


@unittest.skipIf(NOT_ROOT, "images are built by root")
class RunningTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.reason = pods.why_no_containers(storage)

    def setUp(self):
        if self.reason:
            self.skipTest(self.reason)

    def run_in(self, image, *arguments, options=()):
        """As a pod would run it: no writable file, no capability unless given."""
        return storage.run("run", "--rm", "--pull=never", *SEALED, *options, f"localhost/{image}:{self.version()}", *arguments,
                           check=False, timeout=60)

    @staticmethod
    def version():
        return next(iter(images.values())).config["config"]["Labels"]["org.opencontainers.image.version"]

    def test_there_is_no_shell(self):
        for name in images:
            with self.subTest(name):
                for shell in ("/bin/sh", "sh", "bash"):
                    result = self.run_in(name, options=[f"--entrypoint={shell}"])
                    self.assertIn(result.returncode, (126, 127), result.stderr)

    def test_iqctl_is_in_each(self):
        for name in images:
            with self.subTest(name):
                result = self.run_in(name, "--version", options=["--entrypoint=iqctl", "--security-opt=no-new-privileges"])
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(self.version(), result.stdout)

    def start(self, name, *options):
        container = pods.Container(storage, f"localhost/{name}:{self.version()}", [*SEALED, *options])
        self.addCleanup(container.remove)
        return container

    def check_service(self, container, started):
        container.wait_for_log(started)
        status = pathlib.Path(f"/proc/{container.pid()}/status").read_text(encoding="ascii")
        self.assertRegex(status, r"Uid:\t65532\t65532\t65532\t65532\n")
        self.assertRegex(status, r"Gid:\t65532\t65532\t65532\t65532\n")
        mounts = pathlib.Path(f"/proc/{container.pid()}/mounts").read_text(encoding="ascii")
        self.assertRegex(mounts, r"(?m)^\S+ / \S+ ro\b")
        self.assertEqual(container.stop(), 0)
        return status

    def test_alg_runs_without_any_privilege(self):
        status = self.check_service(self.start("iqgate-alg", "--security-opt=no-new-privileges"), "started")
        self.assertRegex(status, r"CapEff:\t0+\n")
        self.assertRegex(status, r"NoNewPrivs:\t1\n")

    def test_agw_runs_with_the_one_privilege_it_needs(self):
        status = self.check_service(self.start("iqgate-agw", "--cap-add=NET_ADMIN"), "agw_started")
        self.assertRegex(status, r"CapEff:\t0{12}1000\n")
        self.assertRegex(status, r"CapBnd:\t0{12}1000\n")

    def test_which_privileges_do_for_the_agw(self):
        """The table of docs/capabilities.md: who is given what in which way, and whether the IMS-AGW starts."""
        added = ["--cap-add=NET_ADMIN"]
        sealed = ["--security-opt=no-new-privileges"]
        for user in (65532, 0):
            for way in ("containerd", "docker", "podman"):
                for escalation in (True, False):
                    with self.subTest(f"user {user} in the way of {way}, allowPrivilegeEscalation: {escalation}"):
                        options = [f"--user={user}:{user}", f"--annotation=iqgate.capabilities={way}", *added, *([] if escalation else sealed)]
                        container = self.start("iqgate-agw", *options)
                        if user != 0 and way == "docker" and not escalation:
                            self.assertEqual(container.wait(), 1)
                            self.assertIn("CAP_NET_ADMIN", container.logs())
                        else:
                            container.wait_for_log("agw_started")
        # The program itself is started, as kernels that want no capability need it, and says what is missing.
        container = self.start("iqgate-agw")
        self.assertEqual(container.wait(), 1)
        self.assertIn("CAP_NET_ADMIN", container.logs())


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].startswith("--output="):
        output = sys.argv.pop(1).removeprefix("--output=")
    junit.main()
