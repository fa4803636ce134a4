#!/usr/bin/env python3
"""Puts together what is in an image, file by file: programs, the shared objects they load, licences, an SBOM.

tools/image_contents.py --image=NAME --version=VERSION --revision=REVISION --created=SECONDS --root=FOLDER --debug=FOLDER
    [--net-admin=NAME] NAME=PROGRAM...

--root      gets the file system of the image. Nothing else may be in it.
--debug     gets the symbols of the programs, as .build-id/XX/REST.debug, which is how debuggers look for them.
--net-admin the program whose file capability is CAP_NET_ADMIN; docs/capabilities.md says why. Takes root.
NAME        is the name below /usr/bin; PROGRAM is where Bazel has put it, with NAME-2.params, its linker's arguments, beside it.

Prints the SPDX expression of the licences. tools/images calls this.
"""

import argparse
import os
import pathlib
import re
import shutil
import struct
import subprocess

from image_sbom import Sbom
from debian_packages import DebianPackages

USER = 65532

# Names without a name server or a database of users: glibc has what these two lines ask for in itself.
CONFIGURATION = {
    "/etc/passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\niqgate:x:{USER}:{USER}:iqgate:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": f"root:x:0:\niqgate:x:{USER}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# Where the container's runtime and the chart mount something: it need not make them in a read-only root.
MOUNT_POINTS = ["/dev", "/etc/iqgate/tls", "/proc", "/sys"]
LINKS = {"/lib": "usr/lib", "/lib64": "usr/lib64"}  # As Debian's base-files has them.

SBOM_PATH = "/usr/share/iqgate/sbom.spdx.json"


def run(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def shared_objects(program):
    """What the loader loads for it, itself included: {path as it is looked up: the file}."""
    objects = {}
    for line in run("ldd", program).splitlines():
        if "not found" in line:
            raise SystemExit(f"{program}: {line.strip()}")
        found = re.search(r"(/\S+) \(0x", line)
        if found:  # All but the kernel's vdso.
            objects[found.group(1)] = os.path.realpath(found.group(1))
    return objects


def linked_archives(program):
    """Files of Debian's that have become part of the program: static libraries, and what the compiler adds to every program."""
    with open(f"{program}-2.params", encoding="utf-8") as file:
        params = file.read().splitlines()
    names = [match.group(1) for match in map(re.compile(r"-l:(lib\S+\.a)").fullmatch, params) if match]
    names += ["Scrt1.o", "crti.o", "crtbeginS.o", "libgcc.a", "libc_nonshared.a"]
    if any(param.endswith("/grpc_isolated.o") for param in params):
        isolate = pathlib.Path(__file__).resolve().parents[1] / "third_party/grpc/isolate.sh"
        names += sorted(set(re.findall(r"\$lib/(lib\w+\.a)", isolate.read_text(encoding="utf-8"))))
    files = [run("gcc", f"-print-file-name={name}").strip() for name in names]
    missing = [file for file in files if not os.path.isabs(file)]
    if missing:
        raise SystemExit(f"{program}: the compiler does not find {missing}")
    return [os.path.realpath(file) for file in files]


def build_id(program):
    return re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "--notes", "--wide", program)).group(1)


class Image:
    """The file system below `root`, and where each file in it comes from."""

    def __init__(self, root, debug):
        self.root, self.debug = root, debug
        self.sources = {}  # Path in the image: the file of a Debian package, None for ours.

    def place(self, path):
        # Links first, then what is behind them: /lib64/ld-linux... is in usr/lib64.
        for link, target in LINKS.items():
            if path.startswith(link + "/"):
                path = f"/{target}{path[len(link):]}"
        target = self.root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return path, target

    def copy(self, source, path):
        path, target = self.place(path)
        shutil.copyfile(source, target)
        os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)
        self.sources[path] = source
        return path

    def write(self, path, text):
        path, target = self.place(path)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(target, 0o644)
        self.sources[path] = None

    def add_program(self, name, program):
        """The program without its symbols, which go to the debug folder, and with the name of where they are."""
        identity = build_id(program)
        symbols = f"{self.debug}/.build-id/{identity[:2]}/{identity[2:]}.debug"
        os.makedirs(os.path.dirname(symbols), exist_ok=True)
        run("objcopy", "--only-keep-debug", "--compress-debug-sections", program, symbols)
        path, target = self.place(f"/usr/bin/{name}")
        run("objcopy", "--strip-all", f"--add-gnu-debuglink={symbols}", program, target)
        os.chmod(target, 0o755)
        self.sources[path] = None

    def give_net_admin(self, name):
        """What `setcap cap_net_admin+p` writes: a struct vfs_cap_data of version 2.

        Not in effect by itself (`+ep`): the kernel would not start the program at all where it is not to have the capability.
        """
        cap_net_admin = 1 << 12
        os.setxattr(f"{self.root}/usr/bin/{name}", "security.capability",
                    struct.pack("<5I", 0x02000000, cap_net_admin, 0, 0, 0))


def add_licences(image, names):
    """The copyright file of each package, and the licences they refer to."""
    referred = set()
    for name in sorted(names):
        source = os.path.realpath(f"/usr/share/doc/{name}/copyright")
        image.copy(source, f"/usr/share/doc/{name}/copyright")
        with open(source, encoding="utf-8", errors="replace") as file:
            referred |= set(re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", file.read()))
    for name in sorted(referred):
        path = f"/usr/share/common-licenses/{name}"
        if os.path.exists(path):
            image.copy(os.path.realpath(path), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("image", "version", "revision", "root", "debug"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--created", type=int, required=True)
    parser.add_argument("--net-admin")
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    programs = dict(program.split("=", 1) for program in options.programs)

    os.umask(0o022)
    image = Image(options.root, options.debug)
    for folder in MOUNT_POINTS:
        os.makedirs(options.root + folder)
    for link, target in LINKS.items():
        os.makedirs(f"{options.root}/{target}", exist_ok=True)
        os.symlink(target, options.root + link)
    for path, text in CONFIGURATION.items():
        image.write(path, text)

    packages = DebianPackages()
    loaded, linked = set(), set()
    for name, program in programs.items():
        image.add_program(name, program)
        for path, file in shared_objects(program).items():
            image.copy(file, path)
            loaded.add(packages.owner(file))
        linked |= {packages.owner(file) for file in linked_archives(program)}
    if options.net_admin:
        image.give_net_admin(options.net_admin)
    add_licences(image, loaded | linked)

    sbom = Sbom(options.image, options.version, options.revision, options.created, packages)
    for path, source in sorted(image.sources.items()):
        sbom.add_file(path, options.root + path, source)
    for package in sorted(loaded | linked):
        sbom.add_link(package, [kind for kind, those in (("DYNAMIC_LINK", loaded), ("STATIC_LINK", linked)) if package in those])
    image.write(SBOM_PATH, sbom.to_json())
    print(sbom.licence_expression())


if __name__ == "__main__":
    main()
