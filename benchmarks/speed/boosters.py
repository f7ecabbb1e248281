"""HistGradientBoosting, CatBoost and trees with a leaf value per class."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import focal_boost
from benchmarks.speed.problems import (
    FOCAL,
    Contenders,
    Training,
    catboost,
    focal_boost_training,
    vector_leaf,
    vector_leaf_training,
)

FOCAL_BOOST = partial(focal_boost_training, focal_boost)
# Focal with the ten leaf iterations that focal_boost chooses for 20 features; its own default is one.
CATBOOST_FOCAL = partial(catboost, loss_function=FOCAL, leaf_estimation_iterations=10)

TRAININGS: dict[str, Contenders] = {
    "hist_gradient_boosting": {"built-in": Training.estimator, "focal_boost": FOCAL_BOOST},
    "catboost": {"CatBoost Focal": CATBOOST_FOCAL, "focal_boost": FOCAL_BOOST},
    "xgboost": {
        "built-in": Training.estimator,
        "built-in, vector leaf": vector_leaf,
        "focal_boost, vector leaf": vector_leaf_training,
    },
}
# Booster, rows, classes, rounds, whether there is an eval set of a quarter of the rows, repetitions.
SIZES = (
    ("hist_gradient_boosting", 100_000, 2, 50, False, 5),
    ("hist_gradient_boosting", 100_000, 5, 50, False, 5),
    ("catboost", 20_000, 2, 100, False, 3),
    ("catboost", 20_000, 2, 100, True, 3),
    ("catboost", 100_000, 2, 50, False, 3),
    ("catboost", 100_000, 2, 50, True, 3),
    ("xgboost", 20_000, 5, 50, False, 5),
)


def problems(quick: bool) -> Iterator[tuple[Any, Contenders, int]]:
    """Yield each problem with its contenders and the number of repetitions."""
    for booster, n, n_classes, n_rounds, evaluates, repetitions in SIZES:
        if booster == "catboost" and not find_spec("catboost"):
            continue
        for n_threads in (1,) if quick else (1, 2):
            name = f"{booster}, {n // 1000}k x 20" + f", {n_classes} classes" * (n_classes > 2)
            name += ", eval set" * evaluates + f", {n_threads} thread" + "s" * (n_threads > 1)
            rows, rounds = (1_000, 2) if quick else (n, n_rounds)
            n_eval = rows // 4 if evaluates else 0
            problem = Training(name, booster, rows, n_classes, rounds, n_threads, 2.0, 20, n_eval)
            yield problem, TRAININGS[booster], repetitions
