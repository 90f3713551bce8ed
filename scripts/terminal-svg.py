"""Draws the coloured output of a program as an SVG: reads standard input, writes standard output.

The first argument is the command to show above the output.
"""

import html
import re
import sys

COLUMN_PX, LINE_PX, MARGIN_PX = 8.4, 19, 16
# The SGR codes that the report uses, with the colours of a light-on-dark terminal.
STYLES = {
    "1": "font-weight:bold",
    "2": "opacity:.7",
    "31": "fill:#ff8a80",
    "32": "fill:#8bd49c",
    "33": "fill:#e6c07b",
}


def fixed(text):
    """Uses no-break spaces, because viewers collapse several spaces into one."""
    return html.escape(text).replace(" ", "\u00a0")


def spans(line):
    style = ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            codes = part[2:-1].split(";")
            style = ";".join(STYLES[code] for code in codes if code in STYLES)
        elif part:
            attribute = f' style="{style}"' if style else ""
            yield f"<tspan{attribute}>{fixed(part)}</tspan>"


def main():
    lines = [f"$ {sys.argv[1]}", *sys.stdin.read().rstrip("\n").split("\n")]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = max(map(len, plain)) * COLUMN_PX + 2 * MARGIN_PX
    height = len(lines) * LINE_PX + 2 * MARGIN_PX
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{html.escape(sys.argv[1])} and what it prints">'
        '<rect width="100%" height="100%" rx="8" fill="#1d2026"/>'
        '<g font-family="ui-monospace,DejaVu Sans Mono,monospace" font-size="14" fill="#e4e6eb">'
    )
    for at, line in enumerate(lines):
        y = MARGIN_PX + (at + 0.75) * LINE_PX
        print(f'<text x="{MARGIN_PX}" y="{y:.0f}">{"".join(spans(line))}</text>')
    print("</g></svg>")


main()
