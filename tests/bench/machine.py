"""What the machine gives to a measurement, and what others take of it meanwhile."""

import os
import resource
import time


def cores():
    """One for the proxy, another for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SystemExit("tools/bench: needs two cores, one for the proxy and one for the load")
    return allowed[0], allowed[-1]


def raise_descriptor_limit():
    """To the hard limit, which is returned; for children too."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def describe():
    """The processor, in a few words."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else os.uname().machine}, {len(names) or os.cpu_count()} cores, Linux {os.uname().release}"


class OtherLoad:
    """The cores that neither these processes nor children that have ended since use, from now on."""

    def __init__(self, pids):
        self._pids = pids
        self._start = self._look()

    def take(self):
        """On average since the start."""
        seconds, busy, ours = (now - before for now, before in zip(self._look(), self._start))
        return max(0.0, (busy - ours) / seconds)

    def _look(self):
        tick = os.sysconf("SC_CLK_TCK")
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = resource.getrusage(resource.RUSAGE_SELF)
        ours = children.ru_utime + children.ru_stime + own.ru_utime + own.ru_stime
        for pid in self._pids:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                ours += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / tick
        return time.monotonic(), (user + nice + system + irq + softirq + steal) / tick, ours
