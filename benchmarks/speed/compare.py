"""A table in Markdown: every contender over the baseline of its problem.

``python -m benchmarks.speed.compare results.json``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

BASELINES = ("plain NumPy log loss", "built-in", "base")


def median(measured: dict[str, Any], clock: str) -> float:
    """Return the median seconds of a contender."""
    return float(np.median(measured[clock]))


def ratio(measured: dict[str, Any], base: dict[str, Any], clock: str) -> tuple[float, float, float]:
    """Return the median of the ratios of interleaved repetitions and its quartiles."""
    low, middle, high = np.quantile(np.array(measured[clock]) / np.array(base[clock]), [0.25, 0.5, 0.75])
    return float(middle), float(low), float(high)


def seconds(value: float) -> str:
    """Return a duration with three digits and a unit."""
    factor, unit = (1, "s") if value >= 1 else (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
    return f"{value * factor:.3g} {unit}"


def table(results: dict[str, Any]) -> str:
    """Return one table: problem, contender, wall time, ratio of wall and of CPU time, memory beyond the result."""
    lines = [
        "| problem | contender | wall time | / baseline (quartiles) | CPU / baseline | memory beyond the result |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for problem, contenders in results["problems"].items():
        base = next((contenders[name] for name in BASELINES if name in contenders), None)
        for name, measured in contenders.items():
            wall = cpu = "-"
            if base is not None and base is not measured:
                middle, low, high = ratio(measured, base, "wall")
                wall, cpu = f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{ratio(measured, base, 'cpu')[0]:.2f}"
            memory = "-"
            if "result_bytes" in measured:
                memory = f"{(measured['peak_bytes'] - measured['result_bytes']) / 2**20:.1f} MiB"
            time = seconds(median(measured, "wall"))
            lines.append(f"| {problem} | {name} | {time} | {wall} | {cpu} | {memory} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    print(table(json.loads(parser.parse_args().results.read_text())))


if __name__ == "__main__":
    main()
