"""Draw results.json: seconds of a fit by rows, and the focal loss's time over the built-in objective's."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt

HERE = Path(__file__).parent


def main() -> None:
    """Write scaling.svg beside the results."""
    results = json.loads((HERE / "results.json").read_text())["results"]
    figure, (times, ratios) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for colour, booster in (("C0", "xgboost"), ("C1", "lightgbm")):
        for marker, workers in (("o", 1), ("s", 2)):
            of = [r for r in results if r["booster"] == booster and r["workers"] == workers]
            rows, label = [r["rows"] for r in of], f"{booster}, {workers} worker{'s' * (workers > 1)}"
            style = {"color": colour, "marker": marker, "fillstyle": "full" if workers == 2 else "none"}
            times.plot(rows, [r["focal"] for r in of], label=label, **style)
            times.plot(rows, [r["built_in"] for r in of], linestyle=":", **style)
            ratios.plot(rows, [r["ratio"] for r in of], label=label, **style)
    times.set(xscale="log", yscale="log", xlabel="rows", ylabel="processor seconds (dotted: built-in)")
    ratios.axhline(1.1, color="grey", linewidth=0.8)
    ratios.set(xscale="log", xlabel="rows", ylabel="focal / built-in")
    times.legend(fontsize="small")
    figure.savefig(HERE / "scaling.svg")


if __name__ == "__main__":
    main()
