"""One picture: training time over the built-in loss.

``python -m benchmarks.speed.plot results.json picture.png``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.speed.compare import ratio


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    problems = json.loads(arguments.results.read_text())["problems"]
    trainings = {name: value for name, value in problems.items() if "thread" in name and "built-in" in value}
    contenders = list(dict.fromkeys(name for value in trainings.values() for name in value if name != "built-in"))
    colours = dict(zip(contenders, plt.get_cmap("tab10").colors, strict=False))

    figure, axes = plt.subplots(figsize=(8, 0.5 * len(trainings) + 1.6), layout="constrained")
    for row, value in enumerate(trainings.values()):
        present = [name for name in contenders if name in value]
        for name, offset in zip(
            present, np.linspace(-0.22, 0.22, len(present)) if len(present) > 1 else [0.0], strict=True
        ):
            middle, low, high = ratio(value[name], value["built-in"], "wall")
            axes.errorbar(
                middle, row + offset, xerr=[[middle - low], [high - middle]], fmt="o", color=colours[name], ms=5
            )
    for name in contenders:
        axes.plot([], [], "o", color=colours[name], label=name)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(trainings)), list(trainings))
    axes.invert_yaxis()
    axes.set_xscale("log")
    ticks = [0.8, 1, 1.25, 1.5, 2, 3, 4]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("training time / built-in log loss of the booster")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(arguments.picture, dpi=120)


if __name__ == "__main__":
    main()
