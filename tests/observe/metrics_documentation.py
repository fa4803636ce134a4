"""Whether docs/metrics.md tells of every metric that the services expose, and of no other."""

import collections
import re

from processes import get
from queries import ROOT

_DOCUMENT = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")

# Type, names of labels, and what the samples say: (labels, value).
Metric = collections.namedtuple("Metric", "type labels samples")


def exposed(text):
    """The metrics of an answer of /metrics."""
    metrics = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M):
        metrics[name] = Metric(kind, set(), [])
    for name, labels, _ in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
        family = name if name in metrics else re.sub(r"_(bucket|sum|count)$", "", name)
        values = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        values.pop("le", None)
        metrics[family].labels.update(values)
        metrics[family].samples.append(values)
    return metrics


def documented():
    """The metrics of docs/metrics.md, by the service that its section names: {"agw": {name: Metric}, ...}. Rows under a
    heading of no service are of both."""
    services = {"agw": {}, "alg": {}}
    for section in re.split(r"^## ", _DOCUMENT, flags=re.M)[1:]:
        heading = section.splitlines()[0]
        named = [service for service in services if f"{service}-service" in heading] or list(services)
        for names, kind, labels in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (counter|gauge|histogram) \|([^|]*)\|", section, re.M):
            for name in re.findall(r"`(\w+)`", names):
                # A name says whose it is, if anybody's alone.
                owner = re.match(r"iqgate_(agw|alg)_", name)
                for service in [owner.group(1)] if owner else named:
                    services[service][name] = Metric(kind, set(re.findall(r"`(\w+)`", labels)), [])
    return services


def documented_causes():
    """The causes of each kind of notification: {kind: {cause, ...}}."""
    causes = {}
    for kinds, texts in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]*) \|$", _DOCUMENT, re.M):
        values = set(re.findall(r"`(\w+)`", texts))
        for kind in re.findall(r"`(\w+)`", kinds):
            causes[kind] = values or {""}
    return causes


class Seen:
    """What pods expose, put together by service. Those that are to be restarted are looked at before."""

    def __init__(self):
        self.services = {"agw": {}, "alg": {}}

    def look_at(self, pods):
        for pod in pods:
            for name, metric in exposed(get(f"{pod.http_address}/metrics")).items():
                known = self.services[pod.component].setdefault(name, Metric(metric.type, set(), []))
                known.labels.update(metric.labels)
                known.samples.extend(metric.samples)


def check(seen):
    """A (name, problems) for each check, of what was exposed in a run in which everything has happened."""
    documentation, seen = documented(), seen.services
    for service, metrics in seen.items():
        told = documentation[service]
        yield f"{service}_every_metric_is_documented", [
            f"{name} is not in docs/metrics.md" for name in sorted(set(metrics) - set(told))]
        yield f"{service}_every_documented_metric_is_there", [
            f"{name} was not exposed" for name in sorted(set(told) - set(metrics))]
        yield f"{service}_types_and_labels_are_as_documented", [
            f"{name}: is a {metric.type} with {sorted(metric.labels)}, documented as a {told[name].type} with "
            f"{sorted(told[name].labels)}"
            for name, metric in sorted(metrics.items()) if name in told
            and (metric.type != told[name].type or metric.labels != told[name].labels)]
    causes = documented_causes()
    met = {(labels["kind"], labels["cause"]) for labels in seen["agw"]["iqgate_agw_notifications_total"].samples}
    yield "agw_every_kind_and_cause_is_documented", [
        f"{kind} with the cause '{cause}' is not in docs/metrics.md" for kind, cause in sorted(met)
        if cause not in causes.get(kind, ())]
    yield "agw_many_kinds_and_causes_have_happened", [] if len(met) >= 15 else [f"only {sorted(met)}"]
