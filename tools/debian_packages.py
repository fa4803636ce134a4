"""What dpkg's database knows of the files that are installed here."""

import collections
import functools
import glob
import hashlib
import os
import subprocess

Package = collections.namedtuple("Package", "name version architecture source source_version maintainer homepage")


def os_release():
    """The fields of /etc/os-release."""
    with open("/etc/os-release", encoding="utf-8") as file:
        return dict(line.strip().replace('"', "").split("=", 1) for line in file if "=" in line)


class DebianPackages:
    """Packages by name. A file that is not as its package brought it ends the program."""

    def __init__(self):
        self._sums = {}  # Path: the package and the MD5 of the file.
        for file in glob.glob("/var/lib/dpkg/info/*.md5sums"):
            package = os.path.basename(file).removesuffix(".md5sums").split(":")[0]
            with open(file, encoding="utf-8") as lines:
                self._sums.update(("/" + line[34:-1], (package, line[:32])) for line in lines)

    @functools.lru_cache(maxsize=None)
    def owner(self, path):
        """The name of the package a file comes from, which is no link."""
        # The lists have the paths of the packages, some below /lib, which is a link to /usr/lib.
        for candidate in (path, path.removeprefix("/usr"), "/usr" + path):
            if candidate in self._sums:
                break
        else:
            raise SystemExit(f"{path} belongs to no Debian package")
        package, expected = self._sums[candidate]
        with open(path, "rb") as content:
            if hashlib.md5(content.read(), usedforsecurity=False).hexdigest() != expected:
                raise SystemExit(f"{path} is not as the package {package} brought it")
        return package

    @functools.lru_cache(maxsize=None)
    def describe(self, name):
        fields = subprocess.run(
            ["dpkg-query", "-W", "-f", "".join("${%s}\\n" % field for field in (
                "Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage")), name],
            check=True, capture_output=True, text=True).stdout
        # Of several architectures the first is the machine's own.
        return Package(*fields.splitlines()[:7])
