"""Draws the ratios of a report of bench.py as SVG: what the IMS-AGW costs where HAProxy costs 1, with nginx and stunnel as
they are. Legible on light and on dark ground.

Usage: picture.py REPORT.json PICTURE.svg
"""

import json
import sys
from xml.sax.saxutils import escape

ROWS = (("bulk up (decrypt)", "up_s_per_gb"), ("bulk down (encrypt)", "down_s_per_gb"), ("1 KiB round trip", "round_trip_us"),
        ("session set-up", "setup_us"), ("idle session, memory", "idle_bytes"))
OURS, REFERENCE = "AGW", "HAProxy"
WIDTH, LEFT, RIGHT = 720, 170, 90
BAR, GAP, TOP = 14, 14, 64
LIMIT = 2.0  # A longer bar is cut, and says how long it is.

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .small { font-size: 11px; fill: #57606a; }
  .ours { fill: #0969da; } .other { fill: #afb8c1; } .line { stroke: #57606a; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; }
    .ours { fill: #4493f8; } .other { fill: #545d68; } .line { stroke: #9198a1; }
  }"""


def draw(report):
    """The SVG, as text."""
    scale = (WIDTH - LEFT - RIGHT) / LIMIT
    names = [name for name in [OURS, *report["versions"]] if name != REFERENCE and name in report["ratios"]]
    names = list(dict.fromkeys(names))
    parts = []
    y = TOP
    for title, key in ROWS:
        bars = [(name, report["ratios"][name][key]) for name in names if key in report["ratios"][name]]
        if not bars:
            continue
        parts.append(f'<text x="{LEFT - 10}" y="{y + BAR - 3}" text-anchor="end">{escape(title)}</text>')
        for name, ratio in bars:
            width = min(ratio, LIMIT) * scale
            parts.append(f'<rect class="{"ours" if name == OURS else "other"}" x="{LEFT}" y="{y}" width="{width:.1f}" '
                         f'height="{BAR}" rx="2"/>')
            label = f"{ratio:.2f}" if name == OURS else f"{ratio:.2f} {name}"
            parts.append(f'<text class="small" x="{LEFT + width + 5:.1f}" y="{y + BAR - 3}">{escape(label)}</text>')
            y += BAR + 3
        y += GAP
    one = LEFT + scale
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items() if name != OURS)
    height = y + 24
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            "<title>What the IMS-AGW costs, where HAProxy costs 1</title>", f"<style>{STYLE}\n</style>",
            f'<text x="10" y="22">CPU and memory of the IMS-AGW where {REFERENCE} takes 1 (shorter is better)</text>',
            f'<text class="small" x="10" y="40">{escape(versions)}; TLS 1.3, client certificates</text>',
            f'<line class="line" x1="{one}" x2="{one}" y1="{TOP - 6}" y2="{y - GAP + 2}"/>',
            f'<text class="small" x="{one}" y="{TOP - 9}" text-anchor="middle">{REFERENCE}</text>']
    foot = [f'<text class="small" x="10" y="{height - 8}">{escape(report["machine"])}; {report["time"][:10]}</text>', "</svg>"]
    return "\n".join(head + parts + foot) + "\n"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        picture = draw(json.load(file))
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
