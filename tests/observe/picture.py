"""Draws a dashboard from the answers to its queries: a page laid out as Grafana's grid, with ECharts, in headless Chromium."""

import json
import pathlib
import re
import subprocess
import tempfile

import queries

_PAGE = pathlib.Path(__file__).resolve().parent / "picture.html"


def _legend(query, series):
    return re.sub(r"\{\{(\w+)\}\}", lambda match: series.labels.get(match.group(1), ""), query.legend).strip()


def _panels(dashboard, start, end):
    """The panels with their series, in the order of the dashboard."""
    panels = {}
    for query in queries.panel_queries():
        if query.dashboard != dashboard:
            continue
        panel = panels.setdefault(query.panel["id"], query.panel | {"series": []})
        for series in queries.run(query, start, end):
            panel["series"].append({"name": _legend(query, series), "samples": series.samples})
    return list(panels.values())


def draw(start, end, file_name, npm_packages, dashboard="overview"):
    """Writes a PNG of what the dashboard showed from `start` to `end`. `npm_packages`: the folder with ECharts."""
    data = {"title": json.loads(queries.DASHBOARDS[dashboard].read_text())["title"], "start": start, "end": end,
            "panels": _panels(dashboard, start, end)}
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in data["panels"])
    with tempfile.TemporaryDirectory() as folder:
        page = _PAGE.read_text(encoding="utf-8")
        # "</" would end the script in which the data lie.
        page = page.replace("ECHARTS", f"file://{npm_packages}/echarts/dist/echarts.min.js").replace(
            "DATA", json.dumps(data).replace("</", "<\\/"))
        with open(f"{folder}/page.html", "w", encoding="utf-8") as file:
            file.write(page)
        # One row is 30 pixels with a gap of 8, as in Grafana.
        result = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             f"--user-data-dir={folder}/profile", f"--window-size=1400,{rows * 38 + 64}", "--virtual-time-budget=5000",
             f"--screenshot={folder}/page.png", f"file://{folder}/page.html"],
            capture_output=True, text=True, timeout=120, check=False)
        drawn = pathlib.Path(folder, "page.png")
        if not drawn.exists():
            raise RuntimeError(f"Chromium has drawn nothing:\n{result.stderr}")
        pathlib.Path(file_name).write_bytes(drawn.read_bytes())
