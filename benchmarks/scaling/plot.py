"""Draw results.json: seconds of a fit by rows, and the focal loss's time over the built-in objective's."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt

HERE = Path(__file__).parent


def main() -> None:
    """Write scaling.svg beside the results."""
    results = json.loads((HERE / "results.json").read_text())["results"]
    figure, (times, ratios, kept) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    kept.sharey(ratios)
    for colour, booster in (("C0", "xgboost"), ("C1", "lightgbm")):
        for marker, workers in (("o", 1), ("s", 2)):
            of = [r for r in results if r["booster"] == booster and r["workers"] == workers]
            label = f"{booster}, {workers} worker{'s' * (workers > 1)}"
            style = {"color": colour, "marker": marker, "fillstyle": "full" if workers == 2 else "none"}
            for keep_memory, axes in ((False, ratios), (True, kept)):
                points = [r for r in of if r["keep_memory"] == keep_memory]
                rows = [r["rows"] for r in points]
                axes.plot(rows, [r["ratio"] for r in points], label=label, **style)
                if not keep_memory:
                    times.plot(rows, [r["focal"] for r in points], label=label, **style)
                    times.plot(rows, [r["built_in"] for r in points], linestyle=":", **style)
    times.set(xscale="log", yscale="log", xlabel="rows", ylabel="processor seconds (dotted: built-in)")
    for axes, title in ((ratios, "workers as Dask starts them"), (kept, "workers that keep their memory")):
        axes.axhline(1.1, color="grey", linewidth=0.8)
        axes.set(xscale="log", xlabel="rows", ylabel="focal / built-in", title=title)
    for axes in (times, ratios, kept):
        axes.set_xticks(rows, [f"{n // 1000:,}k" for n in rows])
        axes.minorticks_off()
    times.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    times.legend(fontsize="small")
    figure.savefig(HERE / "scaling.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
