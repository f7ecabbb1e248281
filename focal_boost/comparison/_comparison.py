"""The result of a comparison: scores, verdict, estimator, figure and files."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from focal_boost._version import __version__
from focal_boost.comparison import _report, _verdict
from focal_boost.comparison._contenders import TITLES
from focal_boost.comparison._fold import Fold
from focal_boost.comparison._picture import Picture, draw
from focal_boost.comparison._plan import INNER_FOLDS, Plan
from focal_boost.comparison._script import script
from focal_boost.comparison.scores import SCORES, cost_at, costs, one_vs_rest


class Comparison:
    """Focal losses compared with the built-in log loss on one data set, as returned by `focal_boost.compare`.

    Attributes
    ----------
    title : str
        Name, size and class shares of the data.
    scores : pandas.DataFrame
        One row per booster, contender and fold: the six scores, the number of boosting rounds, and the seconds of
        training.
    summary : pandas.DataFrame
        One row per booster and contender; columns (score, "mean") and (score, "std"), over the folds.
    differences : pandas.DataFrame
        One row per booster, contender and tested score: mean difference from the built-in log loss, bounds of its
        simultaneous interval, adjusted p-value, and the finding: "better", "worse" or "" for no difference.
    per_class : pandas.DataFrame
        One row per booster, contender and class (with two classes, only the positive): number of rows, and means
        over the folds of average precision and of recall at the threshold with the largest F1 on the rows for
        early stopping.
    costs : pandas.DataFrame
        With two classes, one row per booster and contender: the threshold that minimises the expected cost on the
        test rows, the cost per row at this threshold, and at the optimal threshold for exact probabilities.
    best : tuple of (str, str)
        The recommended booster and contender: the log loss unless another contender is significantly better.
    reasons : list of str
        The reasons for this booster and this number of rounds.
    verdict : str
        Conclusion and evidence in sentences.
    verdict_paragraphs : list of tuple of (str, str)
        The verdict as (conclusion, evidence): one pair per booster, one for the method and one for class weights.
    n_finished : int
        Number of folds finished by every booster.
    interrupted : bool
        Whether folds are missing.
    interruption : str
        The number of finished folds if some are missing, otherwise empty.
    unsaved : str
        The files that could not be written and the reason, otherwise empty.
    notes : list of str
        Columns and rows that were left out, and warnings raised during training.
    provenance : dict of str
        Date, versions, fingerprint of the data and, if the command made the comparison, its command line.
    """

    def __init__(self, plan: Plan, folds: Sequence[Fold], command: str = "") -> None:
        finished = {fold.booster for fold in folds}
        self._plan = replace(plan, boosters=tuple(b for b in plan.boosters if b.name in finished))
        self._folds = folds
        self.title = plan.problem.title
        self.scores = pd.DataFrame([row for fold in folds for row in fold.rows])
        by_contender = self.scores.groupby(["booster", "contender"], sort=False)
        self.summary = by_contender[[score.name for score in SCORES]].agg(["mean", "std"])
        self.differences = _verdict.paired_differences(self.scores, plan.n_folds)
        self.per_class = _per_class(plan, folds)
        self.costs = _costs(plan, folds)
        self.best = _verdict.recommend(self.differences, self.scores)
        self.n_finished = int(self.scores.groupby("booster")["fold"].nunique().min())
        self.reasons = self._reasons()
        self.verdict_paragraphs = _verdict.verdict(self.differences, self.scores, plan.n_folds, plan.n_repeats)
        self.verdict = "\n".join(" ".join(filter(None, pair)) for pair in self.verdict_paragraphs)
        self.interrupted = len(folds) < len(plan.boosters) * plan.n_splits
        self.interruption = ""
        if self.interrupted:
            finished_folds = f"{self.n_finished} of {plan.n_splits} folds"
            self.interruption = f"Interrupted: the scores are from the {finished_folds} that finished."
        self.unsaved = ""
        messages = [message for fold in folds for message in fold.warnings]
        self.notes = list(dict.fromkeys([*plan.problem.notes, *messages]))
        versions = [f"focal_boost {__version__}", *(f"{b.title} {b.version}" for b in plan.boosters)]
        versions += [f"{package} {version(package)}" for package in ("scikit-learn", "skrub", "pandas", "numpy")]
        self.provenance = {
            **({"command": command} if command else {}),
            "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
            "data fingerprint": plan.problem.fingerprint,
        }

    @property
    def _best_rounds(self) -> pd.Series:
        return self.scores.set_index(["booster", "contender"]).loc[[self.best], "n_rounds"]

    def _reasons(self) -> list[str]:
        name, contender = self.best
        means = self.summary[("average precision", "mean")].xs(contender, level="contender")
        rounds = self._best_rounds
        reasons = [
            f"{int(rounds.median())} rounds: the median over the folds (from {rounds.min()} to {rounds.max()}); "
            "early stopping selected the round with the smallest log loss on held-out rows."
        ]
        if len(means) > 1:
            values = " and ".join(f"{value:.4f} with {TITLES[str(key)]}" for key, value in means.items())
            reasons.insert(
                0,
                f"{TITLES[name]}: the average precision of {contender!r} is {values}. The difference between "
                "the boosters is not tested.",
            )
        return reasons

    def estimator(self) -> Pipeline:
        """Return the unfitted pipeline of the recommended model.

        Returns
        -------
        estimator : sklearn.pipeline.Pipeline
            skrub's transformers and a `FocalBoostClassifier`; if the recommendation is to choose gamma, a grid
            search over one. Fit it on the ``X`` given to `compare` (a polars frame as ``X.to_pandas()``) and on
            the class labels; with a positive class among many, on whether a row is of it.
        """
        name, best = self.best
        plan = self._plan
        booster = next(booster for booster in plan.boosters if booster.name == name)
        more = {"n_estimators": int(self._best_rounds.median())}
        chosen = next((contender for contender in plan.contenders if contender.name == best), None)
        if chosen is not None:
            model: Any = booster.classifier(chosen, **more)
        else:
            grid = {
                "gamma": list(dict.fromkeys(c.gamma for c in plan.candidates)),
                "alpha": list(dict.fromkeys(c.alpha for c in plan.candidates)),
            }
            classifier = booster.classifier(plan.candidates[0], **more).set_params(gamma=2.0, alpha=None)
            model = GridSearchCV(classifier, grid, scoring="neg_log_loss", cv=INNER_FOLDS)
        return make_pipeline(*map(clone, plan.problem.steps), model)

    @property
    def script(self) -> str:
        """The Python program that trains the recommended model on all rows and saves it."""
        threshold = None
        if len(self.costs):
            threshold = float(self.costs.set_index(["booster", "contender"]).loc[self.best, "threshold"])
        return script(self._plan.problem, self.estimator(), threshold)

    def plot(self) -> Picture:
        """Return a figure with all panels of the report."""
        return draw(self)

    def to_json(self) -> str:
        """Return everything but the predictions as JSON, in ASCII."""
        plan, problem = self._plan, self._plan.problem
        summary = self.summary.set_axis([" ".join(column) for column in self.summary.columns], axis=1)
        frames = {
            "summary": summary.reset_index(),
            "scores": self.scores,
            "differences": self.differences,
            "per_class": self.per_class,
            "costs": self.costs,
        }
        results: dict[str, Any] = {
            "focal_boost": __version__,
            "data": {
                "name": problem.name,
                "n_rows": len(problem.y),
                "n_features": problem.X.shape[1],
                "classes": problem.classes,
            },
            "settings": {
                "boosters": {booster.name: asdict(booster) for booster in plan.boosters},
                "folds": plan.n_folds,
                "repeats": plan.n_repeats,
                "seed": plan.seed,
                "cost_ratio": plan.cost_ratio,
            },
            "folds_finished": self.n_finished,
            "chosen": [[fold.booster, fold.index, fold.chosen] for fold in self._folds if fold.chosen],
            "verdict": self.verdict,
            "best": self.best,
            "reasons": self.reasons,
            "notes": self.notes,
            "provenance": self.provenance,
        }
        for name, frame in frames.items():
            # pandas writes undefined numbers as null.
            results[name] = json.loads(frame.to_json(orient="records", double_precision=15))
        return json.dumps(results, indent=2, default=repr)

    def to_html(self) -> str:
        """Return the report, one self-contained page."""
        return _report.page(self)

    def save(self, directory: Any) -> None:
        """Write report.html, results.json, scores.csv, differences.csv and best_model.py.

        Raises OSError with the names of the files that could not be written, after writing the others.
        """
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        files = {
            "results.json": self.to_json() + "\n",
            "scores.csv": self.scores.to_csv(index=False),
            "differences.csv": self.differences.to_csv(index=False),
            "report.html": self.to_html(),
            "best_model.py": self.script,
        }
        failures: dict[str, list[str]] = {}
        for name, text in files.items():
            try:
                # Undecodable bytes of a file name are surrogates, which UTF-8 cannot encode.
                (path / name).write_bytes(text.encode(errors="backslashreplace"))
            except OSError as error:
                failures.setdefault(str(error.strerror), []).append(name)
        if failures:
            raise OSError("; ".join(f"{', '.join(names)} ({reason})" for reason, names in failures.items()))

    def _repr_html_(self) -> str:
        verdict = Markup("<p><b>{}</b> {}</p>")
        paragraphs = Markup().join(verdict.format(*pair) for pair in self.verdict_paragraphs)
        return Markup("<h4>{}</h4>{}{}").format(self.title, _report.summary_html(self.summary), paragraphs)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.verdict}"


def _per_class(plan: Plan, folds: Sequence[Fold]) -> pd.DataFrame:
    classes, y = plan.problem.classes, plan.problem.y
    counts = np.bincount(y)
    rows = []
    for fold in folds:
        for contender, proba, thresholds in zip(fold.contenders, fold.proba, fold.thresholds, strict=True):
            pairs = one_vs_rest(y[fold.test], proba)
            for c, ((of_class, p), threshold) in enumerate(
                zip(pairs, thresholds, strict=True), len(classes) - len(pairs)
            ):
                ranking = average_precision_score(of_class, p)
                recall = (p[of_class] >= threshold).mean()
                rows.append((fold.booster, contender, classes[c], counts[c], ranking, recall))
    keys = ["booster", "contender", "class", "n_rows"]
    frame = pd.DataFrame(rows, columns=[*keys, "average precision", "recall"])
    return frame.groupby(keys, sort=False).mean().reset_index()


def _costs(plan: Plan, folds: Sequence[Fold]) -> pd.DataFrame:
    """Return the cost-optimal threshold of each contender, over the test rows of all folds."""
    rows = []
    ratio = plan.cost_ratio
    for booster in dict.fromkeys(fold.booster for fold in folds):
        if ratio is None:
            break
        own = [fold for fold in folds if fold.booster == booster]
        of_class = np.concatenate([plan.problem.y[fold.test] for fold in own]) == 1
        for i, contender in enumerate(own[0].contenders):
            p = np.concatenate([fold.proba[i, :, 1] for fold in own])
            thresholds, cost = costs(of_class, p, ratio)
            best = int(cost.argmin())
            at_theory = cost_at(of_class, p, ratio, 1 / (1 + ratio))
            rows.append((booster, contender, float(thresholds[best]), float(cost[best]), at_theory))
    columns = ["booster", "contender", "threshold", "cost", "cost at the threshold for exact probabilities"]
    return pd.DataFrame(rows, columns=columns)
