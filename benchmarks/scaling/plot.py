"""Figure of the scaling benchmark: seconds per fit by rows, and the ratio to the built-in objective."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd


def plot(results: Path, images: Path) -> None:
    """Draw the CPU times and, for both memory settings, the ratios."""
    measured = pd.read_csv(results / "scaling.csv").sort_values("rows")
    figure, (times, ratios, kept) = plt.subplots(1, 3, figsize=(10.5, 3.8), layout="constrained")
    kept.sharey(ratios)
    for colour, booster in (("C0", "xgboost"), ("C1", "lightgbm")):
        for marker, workers in (("o", 1), ("s", 2)):
            own = measured[(measured.booster == booster) & (measured.workers == workers)]
            label = f"{booster}, {workers} worker{'s' * (workers > 1)}"
            style = {"color": colour, "marker": marker, "fillstyle": "full" if workers == 2 else "none"}
            for keep_memory, axes in ((False, ratios), (True, kept)):
                points = own[own.keep_memory == keep_memory]
                axes.plot(points.rows, points.focal / points.built_in, label=label, **style)
                if not keep_memory:
                    times.plot(points.rows, points.focal, label=label, **style)
                    times.plot(points.rows, points.built_in, linestyle=":", **style)
    times.set(
        xscale="log",
        yscale="log",
        xlabel="rows (millions)",
        ylabel="CPU seconds per fit (dotted: built-in)",
        title="default memory settings",
    )
    for axes, title in ((ratios, "default memory settings"), (kept, "workers keep freed memory")):
        axes.axhline(1.1, color="grey", linewidth=0.8)
        axes.annotate("target", (2e6, 1.1), color="0.3", ha="right", va="bottom")
        axes.set(xscale="log", xlabel="rows (millions)", ylabel="CPU seconds, focal / built-in", title=title)
    sizes = sorted(measured.rows.unique())
    for axes in (times, ratios, kept):
        axes.set_xticks(sizes, [f"{n / 1e6:.3g}" for n in sizes])
        axes.minorticks_off()
    times.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    figure.legend(*times.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(images / "scaling.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
