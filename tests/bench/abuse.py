"""What well-behaved sessions of an IMS-AGW notice while others of the same one are abused. tools/bench --abuse starts it.

Usage: abuse.py --programs=FOLDER [--json=FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile

from machine import OtherLoad, cores, describe, raise_descriptor_limit
from proxies import Agw, CORE, Certificates

# Half a minute when all is well.
TIME_LIMIT = 180


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--json")
    options = parser.parse_args()
    raise_descriptor_limit()
    proxy_core, load_core = cores()
    with tempfile.TemporaryDirectory() as folder, Agw(folder, Certificates(folder), proxy_core, options.programs) as agw:
        others = OtherLoad(agw.pids())
        result = subprocess.run(
            ["taskset", "-c", str(load_core), f"{options.programs}/tests/bench/abuse_load", f"--core={CORE}",
             *agw.load_arguments()],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIME_LIMIT, check=False)
        cores_of_others = others.take()
    if result.returncode != 0:
        print(f"DID NOT RUN: {result.stderr.strip()}")
        return 1
    kinds = json.loads(result.stdout)

    print(f"IMS-AGW with one worker on one core of: {describe()}.")
    print("Round trip of 1 KiB in 50 sessions, 20 a second each, while others are abused; without: before and after it.")
    if cores_of_others > 0.1:
        print(f"Others used {cores_of_others:.1f} of the cores meanwhile.")
    print(f"\n{'':24}{'p50, us':>10}{'without':>10}{'ratio':>8}{'p99, us':>12}{'without':>10}{'ratio':>8}")
    for name, times in kinds.items():
        line = f"{name:24}"
        for quantile, width in (("p50", 10), ("p99", 12)):
            under, without = times[f"{quantile}_us"], times[f"{quantile}_us_without"]
            times[f"{quantile}_ratio"] = under / without
            line += f"{under:{width}.0f}{without:10.0f}{under / without:8.2f}"
        print(line)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "cores_of_others": cores_of_others, "abuse": kinds}, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
