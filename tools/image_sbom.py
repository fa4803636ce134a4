"""The software bill of materials of an image: SPDX 2.3 in JSON, from dpkg's database."""

import collections
import hashlib
import json
import re
import time
import urllib.parse

from debian_packages import os_release

OURS = "iqgate"


def _plain(name):
    return re.sub(r"[^A-Za-z0-9.]+", "-", name.replace("+", "p")).strip("-")


def _id(*parts):
    """An SPDX identifier, which has only letters, digits, dots and dashes."""
    return "SPDXRef-" + "-".join(_plain(part) for part in parts)


def _licence_id(package):
    return "LicenseRef-Debian-" + _plain(package)


class Sbom:
    """Files are added with where they come from, then packages with how the programs are linked to them.

    The project itself has no licence yet (`NONE`). A Debian package has many; what its copyright file says is its licence here.
    """

    def __init__(self, image, version, revision, created, packages):
        self._image, self._version, self._revision = image, version, revision
        self._created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
        self._packages = packages
        self._files = collections.defaultdict(list)  # By package.
        self._links = {}

    def add_file(self, path, file, source):
        """`path` in the image, whose content is in `file`; `source` is the file of a Debian package, or None."""
        with open(file, "rb") as opened:
            content = opened.read()
        kind = "BINARY" if content.startswith(b"\x7fELF") else "TEXT"
        self._files[self._packages.owner(source) if source else OURS].append({
            "SPDXID": _id("File", path),
            "fileName": "." + path,
            "fileTypes": [kind],
            "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content, usedforsecurity=False).hexdigest()},
                          {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}],
            "licenseConcluded": "NOASSERTION",
            "licenseInfoInFiles": ["NOASSERTION"],
            "copyrightText": "NOASSERTION",
        })

    def add_link(self, package, kinds):
        """The programs are linked to a package: "DYNAMIC_LINK", "STATIC_LINK" or both."""
        self._links[package] = kinds

    def licence_expression(self):
        return " AND ".join(_licence_id(package) for package in sorted(self._links))

    def to_json(self):
        debian = sorted((set(self._files) | set(self._links)) - {OURS})
        document = {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{self._image}-{self._version}",
            "creationInfo": {"created": self._created, "creators": [f"Tool: iqgate-tools-images-{self._version}"]},
            "packages": [self._image_package(), self._our_package(), *map(self._debian_package, debian)],
            "files": [file for package in [OURS, *debian] for file in self._files[package]],
            "hasExtractedLicensingInfos": [self._licence(package) for package in debian],
            "relationships": self._relationships(debian),
        }
        # Another content, another name, as the standard wants it.
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        document["documentNamespace"] = f"https://spdx.org/spdxdocs/{self._image}-{self._version}-{digest}"
        return json.dumps(document, indent=1, sort_keys=True) + "\n"

    def _image_package(self):
        return {
            "SPDXID": _id("Image"),
            "name": self._image,
            "versionInfo": self._version,
            "primaryPackagePurpose": "CONTAINER",
            "supplier": "NOASSERTION",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        }

    def _our_package(self):
        return {
            "SPDXID": _id("Package", OURS),
            "name": OURS,
            "versionInfo": self._version,
            "sourceInfo": f"built from revision {self._revision}",
            "primaryPackagePurpose": "APPLICATION",
            "supplier": "NOASSERTION",
            "downloadLocation": "NOASSERTION",
            **self._files_of(OURS),
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NONE",
            "copyrightText": "NOASSERTION",
        }

    def _debian_package(self, name):
        package = self._packages.describe(name)
        system = os_release()
        qualifiers = urllib.parse.urlencode({
            "arch": package.architecture, "distro": f"{system['ID']}-{system['VERSION_ID']}",
            "upstream": f"{package.source}@{package.source_version}"}, safe="@+~:")
        version = urllib.parse.quote(package.version, safe="~")
        described = {
            "SPDXID": _id("Package", name),
            "name": name,
            "versionInfo": package.version,
            "sourceInfo": f"built by Debian from source package {package.source} {package.source_version}",
            "primaryPackagePurpose": "LIBRARY",
            "supplier": f"Organization: {package.maintainer}",
            "downloadLocation": "NOASSERTION",
            **self._files_of(name),
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": _licence_id(name),
            "copyrightText": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/{system['ID']}/{urllib.parse.quote(name)}@{version}?{qualifiers}",
            }],
        }
        if package.homepage:
            described["homepage"] = package.homepage
        return described

    def _files_of(self, package):
        files = self._files[package]
        if not files:
            return {"filesAnalyzed": False}
        sums = sorted(file["checksums"][0]["checksumValue"] for file in files)
        return {
            "filesAnalyzed": True,
            "licenseInfoFromFiles": ["NOASSERTION"],
            "packageVerificationCode": {
                "packageVerificationCodeValue": hashlib.sha1("".join(sums).encode(), usedforsecurity=False).hexdigest()},
        }

    def _licence(self, package):
        with open(f"/usr/share/doc/{package}/copyright", encoding="utf-8", errors="replace") as file:
            return {"licenseId": _licence_id(package), "name": f"/usr/share/doc/{package}/copyright", "extractedText": file.read()}

    def _relationships(self, debian):
        def relation(one, kind, other):
            return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}

        relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", _id("Image"))]
        for package in [OURS, *debian]:
            if self._files[package]:
                relations.append(relation(_id("Image"), "CONTAINS", _id("Package", package)))
            relations += [relation(_id("Package", package), "CONTAINS", file["SPDXID"]) for file in self._files[package]]
            relations += [relation(_id("Package", OURS), kind, _id("Package", package)) for kind in self._links.get(package, [])]
        return relations
