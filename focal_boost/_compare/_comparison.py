"""The result: figures, verdict, picture, files. It calculates no score and trains nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

import focal_boost
from focal_boost._compare import _report, _verdict
from focal_boost._compare._picture import Picture, draw
from focal_boost._compare._run import Outcome, Plan
from focal_boost._compare._scores import SCORES
from focal_boost._compare._script import script


class Comparison:
    """Focal losses against the built-in log loss on one set of data, as `focal_boost.compare` returns it.

    Attributes
    ----------
    scores : pandas.DataFrame
        One row per booster, contender and fold: the six scores and the number of boosting rounds.
    summary : pandas.DataFrame
        One row per booster and contender; columns (score, "mean") and (score, "std"), over the folds.
    differences : pandas.DataFrame
        One row per booster, contender and tested score: mean difference from the built-in log loss, the bounds of
        its adjusted interval, the adjusted p-value, and "better", "worse" or "".
    verdict : str
        What the figures allow to say, in sentences.
    best : tuple of (str, str)
        Booster and contender that the verdict recommends; the log loss where nothing is shown to beat it.
    script : str
        The lines of Python that train it on all rows.
    interrupted : bool
        Whether folds are missing.
    notes : list of str
        What was left out of the data, and what training warned of.
    """

    def __init__(self, plan: Plan, outcome: Outcome) -> None:
        finished = {fold.booster for fold in outcome.folds}
        self._plan = replace(plan, boosters=tuple(b for b in plan.boosters if b.name in finished))
        self._outcome = outcome
        self.interrupted = outcome.interrupted
        self.scores = pd.DataFrame(
            {"booster": fold.booster, "contender": name, "fold": fold.index, **scores, "n_rounds": n_rounds}
            for fold in outcome.folds
            for name, scores, n_rounds in zip(fold.contenders, fold.scores, fold.n_rounds, strict=True)
        )
        self.differences = _verdict.paired_differences(self.scores, plan.n_folds)
        self.best = _verdict.recommend(self.differences, self.scores)
        told = [text for fold in outcome.folds for text in fold.warnings]
        self.notes = list(dict.fromkeys([*plan.problem.notes, *told]))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Mean and standard deviation over the folds."""
        by_contender = self.scores.groupby(["booster", "contender"], sort=False)
        return by_contender[[score.name for score in SCORES]].agg(["mean", "std"])

    @property
    def verdict_paragraphs(self) -> list[tuple[str, str]]:
        """The verdict as (conclusion, evidence), one pair per booster and one on the method."""
        titles = {booster.name: booster.title for booster in self._plan.boosters}
        return _verdict.verdict(self.differences, self.scores, titles, self._plan.n_folds)

    @property
    def verdict(self) -> str:
        """What the figures allow to say, in sentences."""
        return "\n".join(" ".join(filter(None, pair)) for pair in self.verdict_paragraphs)

    @property
    def script(self) -> str:
        """The lines of Python that train the recommended model on all rows."""
        name, best = self.best
        booster = next(booster for booster in self._plan.boosters if booster.name == name)
        contender = next((c for c in self._plan.contenders if c.name == best), None)
        rounds = self.scores.query("booster == @name and contender == @best")["n_rounds"]
        return script(self._plan.problem, booster, contender, self._plan.candidates, int(rounds.median()))

    @property
    def n_finished(self) -> int:
        """How many folds every booster has finished."""
        return int(self.scores.groupby("booster")["fold"].nunique().min())

    @property
    def title(self) -> str:
        """What was compared on, in a line."""
        return f"{self._plan.problem.name}: {self._plan.problem.description}"

    def plot(self) -> Picture:
        """Return a matplotlib figure: precision and recall, reliability, log loss by gamma; a row per booster."""
        return draw(self._plan, self._outcome.folds, self.best)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the predictions, ready for JSON."""
        plan = self._plan
        return {
            "focal_boost": focal_boost.__version__,
            "data": {
                "name": plan.problem.name,
                "n_rows": len(plan.problem.y),
                "n_features": plan.problem.X.shape[1],
                "classes": list(plan.problem.classes),
            },
            "settings": {
                "boosters": {
                    booster.name: {
                        "version": booster.version,
                        "params": dict(booster.params),
                        "early_stopping_rounds": booster.early_stopping_rounds,
                    }
                    for booster in plan.boosters
                },
                "folds": plan.n_folds,
                "seed": plan.seed,
            },
            "folds_finished": self.n_finished,
            "interrupted": self.interrupted,
            "verdict": self.verdict,
            "best": dict(zip(("booster", "contender"), self.best, strict=True)),
            "summary": [
                {
                    "booster": booster,
                    "contender": contender,
                    # A spread needs two folds.
                    **{s.name: {k: _number(row[s.name, k]) for k in ("mean", "std")} for s in SCORES},
                }
                for (booster, contender), row in self.summary.iterrows()
            ],
            "differences": self.differences.to_dict(orient="records"),
            "scores": self.scores.to_dict(orient="records"),
            "chosen": [
                {"booster": fold.booster, "fold": fold.index, "contender": fold.chosen}
                for fold in self._outcome.folds
                if fold.chosen is not None
            ],
            "notes": self.notes,
        }

    def to_json(self) -> str:
        """Return everything but the predictions as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, default=repr)

    def to_html(self) -> str:
        """Return the report: one page that needs nothing else."""
        return _report.page(self, self._plan, self._outcome.folds)

    def save(self, directory: Any) -> None:
        """Write results.json, scores.csv, differences.csv, picture.png, report.html and best_model.py.

        Parameters
        ----------
        directory : path-like
            Made where it is missing.
        """
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        (path / "results.json").write_text(self.to_json() + "\n", encoding="utf-8")
        self.scores.to_csv(path / "scores.csv", index=False)
        self.differences.to_csv(path / "differences.csv", index=False)
        (path / "picture.png").write_bytes(self.plot().png(dpi=150))
        (path / "report.html").write_text(self.to_html(), encoding="utf-8")
        (path / "best_model.py").write_text(self.script, encoding="utf-8")

    def _repr_html_(self) -> str:
        verdict = _report.verdict_html(self.verdict_paragraphs)
        return f"<h4>{escape(self.title)}</h4>{_report.summary_table(self.summary)}{verdict}"

    def __repr__(self) -> str:
        return f"{self.title}\n{self.verdict}"


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
