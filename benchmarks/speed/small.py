"""Problems of typical size: small data, eval sets and searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import lightgbm as lgb
import numpy as np
from scipy.special import expit
from sklearn.model_selection import GridSearchCV

import focal_boost
from benchmarks.speed.problems import Contenders, Training, focal_boost_training, loss_of, rows


@dataclass(frozen=True)
class Metric:
    """The log loss of ``n`` raw predictions of two classes, as computed for an eval set after every round."""

    name: str
    n: int
    gamma: float = 2.0
    n_classes: ClassVar[int] = 2
    n_calls: ClassVar[int] = 100

    def work(self, metric: Callable[[np.ndarray, np.ndarray], Any]) -> Callable[[], Any]:
        """Return the call on labels and raw predictions."""
        rng = np.random.default_rng(1)
        return partial(metric, rng.random(self.n) < 0.05, rng.normal(-3, 2, self.n))


def plain_metric(metric: Metric) -> Any:
    """The log loss of probabilities in plain NumPy."""
    y, raw = metric.work(lambda *rows: rows)()
    p = expit(raw)
    return lambda *_: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()


def metric_of(package: ModuleType, metric: Metric) -> Any:
    """The log loss of the posterior, computed by the library."""
    return import_module("focal_boost.boosters").XGBoostMetric(loss_of(package, metric))


METRICS: Contenders = {"plain NumPy log loss": plain_metric, "focal_boost": partial(metric_of, focal_boost)}


@dataclass(frozen=True)
class Search:
    """A search over five settings with five folds: gammas, or seeds for the built-in model."""

    name: str
    n: int
    n_calls: ClassVar[int] = 1

    def work(self, search: GridSearchCV) -> Callable[[], Any]:
        """Return the search."""
        return partial(search.fit, *rows(self.n, 2, n_features=20))


def _search(model: Any, grid: dict[str, list[Any]]) -> GridSearchCV:
    return GridSearchCV(model, grid, cv=5, scoring="neg_log_loss", refit=False)


def _booster() -> Any:
    return lgb.LGBMClassifier(n_estimators=50, n_jobs=1, verbosity=-1)


def search_of(package: ModuleType, search: Search) -> Any:
    """The search over gamma."""
    return _search(package.FocalBoostClassifier(_booster()), {"gamma": [0, 0.5, 1, 2, 5]})


SEARCHES: Contenders = {
    "built-in": lambda search: _search(_booster(), {"random_state": list(range(5))}),
    "focal_boost": partial(search_of, focal_boost),
}

TRAININGS: Contenders = {"built-in": Training.estimator, "focal_boost": partial(focal_boost_training, focal_boost)}
SIZES = ((1_000, 2), (5_000, 2), (20_000, 2), (20_000, 5), (100_000, 2))


def problems(quick: bool) -> Iterator[tuple[Any, Contenders, int]]:
    """Yield each problem with its contenders and the number of repetitions."""
    yield Metric("metric, 5k rows, gamma 2", 5_000), METRICS, 31
    yield Search("grid search, lightgbm, 5k x 20", 200 if quick else 5_000), SEARCHES, 5
    n_rounds = 2 if quick else 50
    for n, n_classes in SIZES[:1] if quick else SIZES:
        for booster in ("xgboost", "lightgbm"):
            for gamma in (2.0,) if quick else (0.0, 2.0):
                for n_eval in (0, n // 4):
                    for n_threads in (1,) if quick else (1, 2):
                        name = f"{booster}, {n // 1000}k x 20"
                        name += f", {n_classes} classes" * (n_classes > 2) + f", gamma {gamma:g}"
                        name += ", eval set" * bool(n_eval) + f", {n_threads} thread" + "s" * (n_threads > 1)
                        problem = Training(name, booster, n, n_classes, n_rounds, n_threads, gamma, 20, n_eval)
                        yield problem, TRAININGS, 5 if n < 20_000 else 3
