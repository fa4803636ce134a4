"""The expressions of the shipped dashboards and alerts, made fit for a run of a minute, and Prometheus to ask."""

import collections
import json
import math
import pathlib
import re
import time
import urllib.error
import urllib.parse

import yaml
from processes import NAMESPACE, PROMETHEUS, get

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "charts/iqgate/alerts/iqgate.rules.yaml"
DASHBOARDS = {name: ROOT / f"charts/iqgate/dashboards/{name}.json" for name in ("overview", "agw", "alg", "security")}

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# A rate needs two samples, and one scrape may fail.
_SHORTEST_WINDOW = 4


def alerts():
    """Name and severity of each."""
    return [(rule["alert"], rule["labels"]["severity"]) for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]]


class Shortener:
    """Divides durations, so that `minute` seconds are what a minute was."""

    def __init__(self, minute):
        self._minute = minute
        self.longest_window = collections.defaultdict(float)  # Of each alert, with its `for`; seconds.

    def rules(self):
        """The rule file, with durations of `for`, windows and offsets divided. Nothing else is changed."""
        rules = yaml.safe_load(RULES.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                windows = [0]

                def shorten(match):
                    seconds = max(_SHORTEST_WINDOW, self._short(match.group(2)))
                    # What looks back for a day looks at the whole run.
                    if _SECONDS[match.group(2)[-1]] < 3600:
                        windows.append(seconds)
                    return f"{match.group(1)}{self._text(seconds)}"

                rule["expr"] = re.sub(r"(\[|offset )(\d+[smhd])\b", shorten, rule["expr"])
                waiting = self._short(rule.get("for", "0s"))
                if "for" in rule:
                    rule["for"] = self._text(waiting)
                self.longest_window[rule["alert"]] = max(self.longest_window[rule["alert"]], max(windows) + waiting)
        return json.dumps(rules)

    def _short(self, duration):
        return int(duration[:-1]) * _SECONDS[duration[-1]] * self._minute / 60

    @staticmethod
    def _text(seconds):
        return f"{round(1000 * seconds)}ms"


# A query of a panel. `panel` is the panel as the dashboard has it; `instant`: only the value at the end is shown.
Query = collections.namedtuple("Query", "dashboard panel expression legend instant")


def panel_queries():
    queries = []
    for name, file in DASHBOARDS.items():
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                queries.append(Query(name, panel, target["expr"], target["legendFormat"], target["instant"]))
    return queries


def variable_queries():
    """(dashboard, variable, selector, label) of each label_values(selector, label)."""
    queries = []
    for name, file in DASHBOARDS.items():
        for variable in json.loads(file.read_text())["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
                queries.append((name, variable["name"], with_variables(selector, 60), label))
    return queries


def with_variables(expression, range_seconds):
    """As Grafana asks it with all values chosen, but in the namespace of the run."""
    values = {"namespace": NAMESPACE, "pod": ".*", "realm": ".*", "__rate_interval": f"{_SHORTEST_WINDOW}s",
              "__range": f"{max(1, round(range_seconds))}s"}
    return re.sub(r"\$(\w*[a-z]\w*)", lambda match: values[match.group(1)], expression)


def ask(path, **parameters):
    """What Prometheus answers. ValueError with its message if it does not like the question."""
    try:
        reply = json.loads(get(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"))
    except urllib.error.HTTPError as error:
        raise ValueError(json.loads(error.read())["error"]) from error
    return reply["data"]


def firing():
    """(alert, severity) of those that fire now."""
    return {(alert["labels"]["alertname"], alert["labels"]["severity"]) for alert in ask("alerts")["alerts"]
            if alert["state"] == "firing"}


# Labels, and (time, value) from the oldest on.
Series = collections.namedtuple("Series", "labels samples")


def _series(result, key):
    return [Series(series["metric"], [(time_, float(value)) for time_, value in
                                      ([series[key]] if key == "value" else series[key])]) for series in result]


def run(query, start, end):
    """The series that a panel would show from `start` to `end`, without values that are no numbers."""
    expression = with_variables(query.expression, end - start)
    if query.instant:
        found = _series(ask("query", query=expression, time=end)["result"], "value")
    else:
        found = _series(ask("query_range", query=expression, start=start, end=end, step=1)["result"], "values")
    numbers = [Series(series.labels, [sample for sample in series.samples if math.isfinite(sample[1])]) for series in found]
    return [series for series in numbers if series.samples]


def firing_times(start, end):
    """When each alert fired: {(alert, severity): [(from, to), ...]}."""
    times = collections.defaultdict(set)
    answer = ask("query_range", query='ALERTS{alertstate="firing"}', start=start, end=end, step=1)
    for series in _series(answer["result"], "values"):
        times[series.labels["alertname"], series.labels["severity"]].update(time_ for time_, _ in series.samples)
    intervals = {}
    for alert, moments in times.items():
        joined = []
        for moment in sorted(moments):
            if joined and moment - joined[-1][1] < 1.5:
                joined[-1][1] = moment
            else:
                joined.append([moment, moment])
        intervals[alert] = joined
    return intervals


def strange_labels(start, end):
    """Labels of alerts other than those that they are grouped and routed by."""
    usual = {"__name__", "alertname", "alertstate", "severity", "namespace", "pod", "realm", "reason"}
    alerts_ = ask("series", **{"match[]": "ALERTS", "start": start, "end": end})
    assert alerts_, "no alert has ever been pending"
    return sorted({f"{labels['alertname']}: {name}" for labels in alerts_ for name in set(labels) - usual})


def rule_errors():
    """What Prometheus has against a rule."""
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert rules, "Prometheus has no rules"
    return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] == "err"]


def now():
    return time.time()
