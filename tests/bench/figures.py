"""Pure arithmetic of a comparison: rounds in; rows, a table and a chart out."""

from statistics import median
from xml.sax.saxutils import escape


def row(name, ours, peer, target, unit, at_least=True, absolute=False):
    """A row of the table. `ours` and `peer` are samples of the same rounds; the ratio is the median of the rounds' ratios. An
    absolute row has no peer: its own median is held against the target. A target of None is there to be known, not met."""
    if absolute:
        ratio, value = None, median(ours)
    else:
        ratio = value = median(a / b for a, b in zip(ours, peer, strict=True))
    met = None if target is None else (value >= target if at_least else value <= target)
    return {
        "name": name, "unit": unit, "ours": median(ours), "peer": median(peer) if peer else None, "ratio": ratio,
        "target": target, "at_least": at_least, "met": met, "rounds": len(ours),
    }


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}"


def table(rows):
    """Lines of text, columns aligned."""
    head = ["", "ours", "peer", "ratio", "target", "met"]
    body = [head]
    for r in rows:
        sign = "≥" if r["at_least"] else "≤"
        times = "" if r["ratio"] is None else " ×"
        target = "–" if r["target"] is None else f"{sign} {number(r['target'])}{times}"
        met = {True: "yes", False: "NO", None: "–"}[r["met"]]
        ratio = "–" if r["ratio"] is None else f"{r['ratio']:.2f} ×"
        body.append([f"{r['name']} ({r['unit']})", number(r["ours"]), number(r["peer"]), ratio, target, met])
    widths = [max(len(line[at]) for line in body) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths)))
        for line in body
    )


def chart(rows, caption):
    """A bar per row that has a ratio, the target as a mark on it. SVG that reads on light and on dark pages."""
    shown = [r for r in rows if r["ratio"] is not None]
    line, left, width = 26, 380, 420
    longest = max([max(r["ratio"], r["target"] or 0) for r in shown], default=1)
    height = line * len(shown) + 64
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" role="img" '
        f'aria-label="{escape(caption, {chr(34): "&quot;"})}" font-family="system-ui, sans-serif" font-size="13">',
        "<style>text{fill:#1f2328}.quiet{fill:#59636e}.bar{fill:#0969da}.miss{fill:#bc4c00}.mark{stroke:#1f2328}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.bar{fill:#4493f8}.miss{fill:#db6d28}"
        ".mark{stroke:#e6edf3}}</style>",
        '<text x="0" y="18" font-weight="600">NeuroLink beside others, in one run: times as fast</text>',
    ]
    for at, r in enumerate(shown):
        y = 36 + at * line
        length = max(1.0, r["ratio"] / longest * width)
        kind = "miss" if r["met"] is False else "bar"
        parts.append(f'<text x="{left - 10}" y="{y + 13}" text-anchor="end">{escape(r["name"])}</text>')
        parts.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{length:.1f}" height="17" rx="2"/>')
        if r["target"]:
            x = left + r["target"] / longest * width
            parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3}" y2="{y + 20}" stroke-width="1.5"/>')
        parts.append(f'<text x="{left + length + 8:.1f}" y="{y + 13}">{r["ratio"]:.2f} ×</text>')
    parts.append(f'<text class="quiet" x="0" y="{height - 8}" font-size="11">{escape(caption)}</text></svg>')
    return "\n".join(parts) + "\n"
