"""Write a fitted estimator of each booster, pickled by this version, and its predictions.

Run this once per release, from the root: ``python -m tests.classifier.data.make_pickles``. Keep the files of
earlier releases, because every later version must load them.
"""

import json
import pickle
from importlib.metadata import version
from pathlib import Path

import numpy as np

import focal_boost
from tests.cases import BOOSTERS, booster

HERE = Path(__file__).parent


def main() -> None:
    """Write a pickle and a JSON file of the same name with versions, data and expected predictions."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)).round(3)
    for name in BOOSTERS:
        for n_classes in (2, 3):
            y = np.digitize(X[:, 0], np.linspace(-0.5, 0.5, n_classes - 1))
            labels = np.array(["low", "middle", "high"])[y]
            model = focal_boost.FocalBoostClassifier(booster(name, 3, max_depth=2), gamma=1.5, alpha="balanced")
            model.fit(X, labels)
            stem = f"{focal_boost.__version__}-{name}-{n_classes}"
            (HERE / f"{stem}.pkl").write_bytes(pickle.dumps(model, protocol=4))
            facts = {
                "versions": {package: version(package) for package in (name, "scikit-learn", "numpy")},
                "classes": model.classes_.tolist(),
                "X": X[:5].tolist(),
                "predict_proba": model.predict_proba(X[:5]).tolist(),
                "predict_log_proba": model.predict_log_proba(X[:5]).tolist(),
            }
            (HERE / f"{stem}.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
