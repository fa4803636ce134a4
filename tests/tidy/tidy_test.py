#!/usr/bin/env python3
"""Rules about the source tree that no compiler checks. Each check is one test case.

Works on the tree itself rather than on what Bazel copies, so that a new file cannot be forgotten.
"""

import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(os.path.realpath(__file__)).parents[2]
LONGEST = 600


def tree():
    """All files, relative to the root, without what is built or fetched."""
    files = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in (".git", ".cache", "__pycache__")
                      and not f.startswith("bazel-")]
        files += [pathlib.Path(folder, name).relative_to(ROOT) for name in names]
    return sorted(files)


FILES = tree()
CPP = [f for f in FILES if f.suffix in (".cc", ".h")]


def text(file):
    return (ROOT / file).read_text(encoding="utf-8", errors="replace")


def is_test(file):
    return (file.parts[0] == "tests" or "testing" in file.parts or
            file.stem.endswith(("_test", "_fuzz_test", "_benchmark")))


def includes_only_in(pattern, allowed):
    """Files that include what matches `pattern` and are neither tests nor in `allowed`."""
    regex = re.compile(r'^\s*#\s*include\s*[<"](%s)[>"]' % pattern, re.MULTILINE)
    return [f"{file} includes {match.group(1)}"
            for file in CPP if not is_test(file)
            and not any(fnmatch.fnmatch(str(file), glob) for glob in allowed)
            for match in regex.finditer(text(file))]


def cpp_is_formatted():
    result = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, CPP)],
                            cwd=ROOT, capture_output=True, text=True, check=False)
    return sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.MULTILINE))) or (
        [result.stderr] if result.returncode else [])


def nothing_is_left_to_do():
    marker = re.compile(r"\b(FIX" r"ME|XX" r"X|TODO\(now" r"\))")
    return [f"{file}: {match.group(1)}" for file in FILES
            if file.parts[:2] != ("tests", "tidy") and file.suffix in
            (".cc", ".h", ".proto", ".bzl", ".bazel", ".md", ".py", ".sh", ".yaml", "")
            for match in marker.finditer(text(file))]


def socket_headers_only_in_net():
    return includes_only_in(r"sys/socket\.h|netinet/\w+\.h|arpa/inet\.h|netdb\.h|sys/un\.h|"
                            r"linux/filter\.h|sys/epoll\.h",
                            ["agw-service/net/*", "common/name_resolver.cc",
                             "alg-service/gateway/connection_probe.cc",
                             "common/ip_address.cc"])


def openssl_headers_only_in_tls():
    return includes_only_in(r"openssl/[^>\"]+", ["agw-service/tls/*", "common/certificate_end.cc"])


def grpc_only_at_the_edges():
    return includes_only_in(r"grpcpp/[^>\"]+|grpc/[^>\"]+|[^>\"]+\.grpc\.pb\.h",
                            ["alg-service/api/*", "alg-service/gateway/*", "agw-service/control/*",
                             "common/grpc_*", "*/server.cc", "*/server.h",
                             "iqctl/client/*", "iqctl/main.cc"])


def alg_and_agw_do_not_know_each_other():
    return [f"{file} includes {other}" for file in CPP
            for service, other in (("alg-service", "agw-service"), ("agw-service", "alg-service"),
                                   ("common", "alg-service"), ("common", "agw-service"), ("common", "iqctl"),
                                   ("iqctl", "alg-service"), ("iqctl", "agw-service"),
                                   ("alg-service", "iqctl"), ("agw-service", "iqctl"))
            if file.parts[0] == service and f'#include "{other}/' in text(file)]


def wall_clock_only_for_people():
    """Deadlines are common::MonotonicTime: a step of the wall clock must change no timer."""
    allowed = ["agw-service/context/context.cc", "agw-service/context/shortage_reporter.cc",
               "agw-service/worker/context_table.cc", "agw-service/control/gateway_state.cc",
               "agw-service/server.cc",  # Times of events.
               "common/log*.cc", "common/monotonic_time.h", "common/service_metrics.cc",
               "common/grpc_*",  # gRPC's deadlines, which it turns into monotonic ones itself.
               "alg-service/api/session_service.cc", "iqctl/client/*",  # The same.
               "iqctl/gateways.cc", "iqctl/check_command.cc"]  # Compare the clocks of services with ours.
    return [f"{file}: {match.group(0)}" for file in CPP
            if not is_test(file) and not any(fnmatch.fnmatch(str(file), g) for g in allowed)
            for match in re.finditer(r"absl::Now\b|\bsystem_clock\b|\bCLOCK_REALTIME\b", text(file))]


def cpp_files_are_short():
    return [f"{file}: {lines} lines" for file in CPP
            if (lines := text(file).count("\n")) > LONGEST]


def cpp_files_are_built():
    missing = []
    for file in CPP:
        folder = next((p for p in file.parents if (ROOT / p / "BUILD.bazel").exists()), None)
        if folder is None:
            missing.append(str(file))
            continue
        build = text(folder / "BUILD.bazel")
        name = str(file.relative_to(folder))
        globs = [pattern for call in re.findall(r"glob\(\s*\[(.*?)\]", build, re.DOTALL)
                 for pattern in re.findall(r'"([^"]+)"', call)]
        if f'"{name}"' not in build and not any(fnmatch.fnmatch(name, g) for g in globs):
            missing.append(str(file))
    return missing


def markdown_links_lead_somewhere():
    dead = []
    for file in FILES:
        if file.suffix != ".md":
            continue
        prose = re.sub(r"```.*?```", "", text(file), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose):
            if re.match(r"[a-z]+:", target):
                continue
            base = ROOT if target.startswith("/") else ROOT / file.parent
            if not (base / target.lstrip("/")).exists():
                dead.append(f"{file}: {target}")
    return dead


# Tests that a sanitizer does not see, by tag, and why.
UNSANITIZED = {
    "no_asan": {
        "//agw-service/context:descriptor_shortage_test":
            "UBSan opens descriptors to look at an object, and takes it for broken when it gets none",
        "//tests/foreign:soak_test": "memory is what it is about, and sanitizers keep what is freed",
        "//tests/tidy:tidy_test": "no program of ours",
    },
    "no_tsan": {
        "//tests/foreign:audit_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:client_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:descriptors_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:gateways_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:msrp_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:phone_test": "processes; the tests in one process cover what they do",
        "//tests/foreign:soak_test": "processes; the tests in one process cover what they do",
        "//tests/iqctl:iqctl_test": "processes; the tests in one process cover what they do",
        "//tests/namespaces:vanished_peer_test": "processes; the tests in one process cover what they do",
        "//tests/namespaces:wire_order_test": "processes; the tests in one process cover what they do",
        "//tests/processes:ending_test": "processes; the tests in one process cover what they do",
        "//tests/quickstart:quickstart_test": "processes; the tests in one process cover what they do",
        "//tests/tidy:tidy_test": "no program of ours",
    },
}


def sanitizers_miss_only_what_is_listed():
    wrong = []
    for tag, reasons in UNSANITIZED.items():
        tagged = set()
        for file in FILES:
            if file.name != "BUILD.bazel":
                continue
            for rule in re.findall(r"^\w+\(\n.*?^\)", text(file), re.MULTILINE | re.DOTALL):
                if f'"{tag}"' in rule:
                    name = re.search(r'^    name = "([^"]+)"', rule, re.MULTILINE).group(1)
                    tagged.add(f"//{file.parent}:{name}")
        wrong += [f"{label} has {tag} and no reason in UNSANITIZED" for label in sorted(tagged - set(reasons))]
        wrong += [f"{label} is in UNSANITIZED without {tag}" for label in sorted(set(reasons) - tagged)]
    return wrong


CHECKS = [cpp_is_formatted, nothing_is_left_to_do, socket_headers_only_in_net,
          openssl_headers_only_in_tls, grpc_only_at_the_edges, alg_and_agw_do_not_know_each_other,
          wall_clock_only_for_people, cpp_files_are_short, cpp_files_are_built, markdown_links_lead_somewhere,
          sanitizers_miss_only_what_is_listed]


def main():
    suite = ElementTree.Element("testsuite", name="tidy")
    failed = not CPP
    for check in CHECKS:
        problems = check()
        case = ElementTree.SubElement(suite, "testcase", name=check.__name__, classname="tidy")
        print(f"{'FAILED' if problems else 'OK':6} {check.__name__}")
        for problem in problems:
            print(f"       {problem}")
        if problems:
            failed = True
            ElementTree.SubElement(case, "failure", message="\n".join(problems))
    if "XML_OUTPUT_FILE" in os.environ:
        ElementTree.ElementTree(suite).write(os.environ["XML_OUTPUT_FILE"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
