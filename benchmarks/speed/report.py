"""Table and figure of the speed benchmark: contenders relative to the baseline of each problem."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.harness import read_rows

# A marker and a colour per contender: the palette of Okabe and Ito, which colour-blind readers can tell apart.
LOOKS = [
    ("o", "#0072b2"),
    ("s", "#e69f00"),
    ("^", "#009e73"),
    ("D", "#d55e00"),
    ("v", "#cc79a7"),
    ("P", "#333333"),
    ("X", "#56b4e9"),
    ("*", "#f0e442"),
]


def table(results: Path, name: str = "speed") -> str:
    """Return a table in Markdown: wall time, ratio of wall and of CPU time, memory beyond the result."""
    lines = [
        "| problem | contender | wall time | / baseline (quartiles) | CPU / baseline | memory beyond the result |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in read_rows(results / f"{name}.csv"):
        wall = cpu = memory = "-"
        if row["ratio"]:
            middle, low, high, cpu = (
                f"{float(row[column]):.2f}" for column in ("ratio", "ratio_low", "ratio_high", "cpu_ratio")
            )
            wall = f"{middle} ({low} to {high})"
        if row["extra_bytes"]:
            memory = f"{float(row['extra_bytes']) / 2**20:.1f} MiB"
        time = _duration(float(row["seconds"]))
        lines.append(f"| {row['problem']} | {row['contender']} | {time} | {wall} | {cpu} | {memory} |")
    return "\n".join(lines)


def _duration(value: float) -> str:
    """Return a duration with three digits and a unit."""
    factor, unit = (1, "s") if value >= 1 else (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
    return f"{value * factor:.3g} {unit}"


def plot(results: Path, images: Path) -> None:
    """Draw the training times over those of the built-in loss."""
    rows = [row for row in read_rows(results / "speed.csv") if "thread" in row["problem"] and row["ratio"]]
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    contenders = list(dict.fromkeys(row["contender"] for row in rows))
    # How many contenders there are depends on the installed packages.
    looks = dict(zip(contenders, LOOKS, strict=False))
    figure, axes = plt.subplots(figsize=(7.5, 0.5 * len(problems) + 1.6), layout="constrained")
    for y, problem in enumerate(problems):
        present = sorted(
            (row for row in rows if row["problem"] == problem), key=lambda r: contenders.index(r["contender"])
        )
        offsets = np.linspace(-0.22, 0.22, len(present)) if len(present) > 1 else [0.0]
        for row, offset in zip(present, offsets, strict=True):
            low, middle, high = (float(row[column]) for column in ("ratio_low", "ratio", "ratio_high"))
            spread = [[middle - low], [high - middle]]
            marker, colour = looks[row["contender"]]
            axes.errorbar(middle, y + offset, xerr=spread, fmt=marker, color=colour, ms=6)
    for name, (marker, colour) in looks.items():
        axes.plot([], [], marker, color=colour, label=name)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(problems)), problems)
    axes.invert_yaxis()
    axes.set_xscale("log")
    ticks = [0.8, 1, 1.25, 1.5, 2, 3, 4]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("training time / built-in log loss of the booster")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(images / "speed.png", dpi=120, metadata={"Software": None})
    plt.close(figure)
