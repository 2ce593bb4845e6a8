"""The README's chart: how many deliveries a second, beside the peers, as a Mermaid diagram."""

from collections.abc import Sequence

from bench.figures import Figure

CHARTED = "broadcast, deliveries/s at "


def chart(figures: Sequence[Figure]) -> str:
    """A bar for us and for each peer at each number of streams; empty without such figures."""
    bars: dict[str, float] = {}
    for one in figures:
        if one.name.startswith(CHARTED) and one.peer and one.peer_value:
            streams = one.name.removeprefix(CHARTED).partition(" ")[0]
            bars.setdefault(f"Book Again {streams}", one.value)
            bars[f"{one.peer} {streams}"] = one.peer_value
    if not bars:
        return ""
    names = ", ".join(f'"{name}"' for name in bars)
    values = ", ".join(f"{value:.0f}" for value in bars.values())
    lines = ["```mermaid", "xychart-beta horizontal", '  title "Deliveries a second, by open streams"']
    lines += [f"  x-axis [{names}]", f'  y-axis "deliveries/s" 0 --> {max(bars.values()):.0f}']
    return "\n".join([*lines, f"  bar [{values}]", "```", ""])
