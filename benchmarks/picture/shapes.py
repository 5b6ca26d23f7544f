"""The few shapes of the picture, as SVG."""

from collections.abc import Sequence
from html import escape

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.small { font-size: 11px; fill: #57606a }
.ours { font-weight: 600 }
.axis { stroke: #d0d7de; stroke-width: 1 }
.bar { fill: #8c959f }
.bar.ours { fill: #0969da }
polyline { fill: none; stroke-width: 1.5 }
polyline.ours { stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .axis { stroke: #3d444d }
  .bar { fill: #656c76 }
  .bar.ours { fill: #4493f8 }
}
"""


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start", colour: str = "") -> str:
    """Write a line of text."""
    style = f' style="fill: {colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"{style}>{escape(said)}</text>'


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Draw a bar."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" class="{kind}"/>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw a line of an axis."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="axis"/>'


def path(points: Sequence[tuple[float, float]], colour: str, kind: str = "") -> str:
    """Draw a line through points."""
    said = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{said}" class="{kind}" stroke="{colour}"/>'
