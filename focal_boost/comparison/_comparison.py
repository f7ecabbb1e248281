"""The result of a comparison: scores, verdict, figure and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from focal_boost._version import __version__
from focal_boost.comparison import _report, _verdict
from focal_boost.comparison._fold import Fold
from focal_boost.comparison._picture import Picture, draw
from focal_boost.comparison._plan import Plan
from focal_boost.comparison._script import script
from focal_boost.comparison.scores import SCORES


class Comparison:
    """Focal losses compared with the built-in log loss on one data set, as returned by `focal_boost.compare`.

    Attributes
    ----------
    title : str
        Name, size and class shares of the data.
    scores : pandas.DataFrame
        One row per booster, contender and fold: the six scores and the number of boosting rounds.
    summary : pandas.DataFrame
        One row per booster and contender; columns (score, "mean") and (score, "std"), over the folds.
    differences : pandas.DataFrame
        One row per booster, contender and tested score: mean difference from the built-in log loss, the bounds of
        its adjusted interval, the adjusted p-value, and "better", "worse" or "".
    best : tuple of (str, str)
        The recommended booster and contender: the log loss unless another is shown to be better.
    verdict : str
        Conclusion and evidence in sentences.
    verdict_paragraphs : list of tuple of (str, str)
        The verdict as (conclusion, evidence), one pair per booster and one on the method.
    n_finished : int
        Number of folds finished by every booster.
    interrupted : bool
        Whether folds are missing.
    interruption : str
        How many folds are finished if some are missing, else empty.
    unsaved : str
        Which files could not be written and why, else empty.
    notes : list of str
        Remarks on columns and rows left out, and warnings during training.
    """

    def __init__(self, plan: Plan, folds: Sequence[Fold]) -> None:
        finished = {fold.booster for fold in folds}
        self._plan = replace(plan, boosters=tuple(b for b in plan.boosters if b.name in finished))
        self._folds = folds
        self.title = plan.problem.title
        self.scores = pd.DataFrame([row for fold in folds for row in fold.rows])
        by_contender = self.scores.groupby(["booster", "contender"], sort=False)
        self.summary = by_contender[[score.name for score in SCORES]].agg(["mean", "std"])
        self.differences = _verdict.paired_differences(self.scores, plan.n_folds)
        self.best = _verdict.recommend(self.differences, self.scores)
        self.n_finished = int(self.scores.groupby("booster")["fold"].nunique().min())
        titles = {booster.name: booster.title for booster in plan.boosters}
        self.verdict_paragraphs = _verdict.verdict(self.differences, self.scores, titles, plan.n_folds)
        self.verdict = "\n".join(" ".join(filter(None, pair)) for pair in self.verdict_paragraphs)
        self.interrupted = len(folds) < len(plan.boosters) * plan.n_folds
        self.interruption = ""
        if self.interrupted:
            finished_folds = f"{self.n_finished} of {plan.n_folds} folds"
            self.interruption = f"Interrupted: the scores are from the {finished_folds} that finished."
        self.unsaved = ""
        messages = [message for fold in folds for message in fold.warnings]
        self.notes = list(dict.fromkeys([*plan.problem.notes, *messages]))

    @property
    def script(self) -> str:
        """The Python program that trains the recommended model on all rows."""
        name, best = self.best
        booster = next(booster for booster in self._plan.boosters if booster.name == name)
        contender = next((c for c in self._plan.contenders if c.name == best), None)
        rounds = self.scores.query("booster == @name and contender == @best")["n_rounds"]
        return script(self._plan.problem, booster, contender, self._plan.candidates, int(rounds.median()))

    def plot(self) -> Picture:
        """Return a figure: precision and recall, reliability, log loss by gamma; one row per booster."""
        return draw(self._plan, self._folds, self.scores, self.best)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the predictions, ready for JSON."""
        plan, problem = self._plan, self._plan.problem
        summary = self.summary.astype(object).where(self.summary.notna(), None)  # one fold has no deviation
        return {
            "focal_boost": __version__,
            "data": {
                "name": problem.name,
                "n_rows": len(problem.y),
                "n_features": problem.X.shape[1],
                "classes": list(problem.classes),
            },
            "settings": {
                "boosters": {booster.name: asdict(booster) for booster in plan.boosters},
                "folds": plan.n_folds,
                "seed": plan.seed,
            },
            "folds_finished": self.n_finished,
            "interrupted": self.interrupted,
            "verdict": self.verdict,
            "best": dict(zip(("booster", "contender"), self.best, strict=True)),
            "summary": [
                {"booster": booster, "contender": contender, **{s.name: row[s.name].to_dict() for s in SCORES}}
                for (booster, contender), row in summary.iterrows()
            ],
            "differences": self.differences.to_dict(orient="records"),
            "scores": self.scores.to_dict(orient="records"),
            "chosen": [
                {"booster": fold.booster, "fold": fold.index, "contender": fold.chosen}
                for fold in self._folds
                if fold.chosen is not None
            ],
            "notes": self.notes,
        }

    def to_json(self) -> str:
        """Return everything but the predictions as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, default=repr)

    def to_html(self) -> str:
        """Return the report, one self-contained page."""
        return self._page(self.plot().png(dpi=150))

    def _page(self, picture: bytes) -> str:
        return _report.page(
            self._plan,
            interruption=self.interruption,
            verdict=self.verdict_paragraphs,
            n_folds=self.n_finished,
            summary=self.summary,
            differences=self.differences,
            picture=picture,
            script=self.script,
            notes=self.notes,
        )

    def save(self, directory: Any) -> None:
        """Write results.json, scores.csv, differences.csv, picture.png, report.html and best_model.py.

        Raises OSError for the files that cannot be written, after writing the others.
        """
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        picture = self.plot().png(dpi=150)
        files = {
            "results.json": self.to_json() + "\n",
            "scores.csv": self.scores.to_csv(index=False),
            "differences.csv": self.differences.to_csv(index=False),
            "picture.png": picture,
            "report.html": self._page(picture),
            "best_model.py": self.script,
        }
        failures: dict[str, list[str]] = {}
        for name, content in files.items():
            # Undecodable bytes of a file name are surrogates, which UTF-8 cannot encode.
            data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
            try:
                (path / name).write_bytes(data)
            except OSError as error:
                failures.setdefault(str(error.strerror), []).append(name)
        if failures:
            raise OSError("; ".join(f"{', '.join(names)} ({reason})" for reason, names in failures.items()))

    def _repr_html_(self) -> str:
        verdict = _report.verdict_html(self.verdict_paragraphs)
        return f"<h4>{escape(self.title)}</h4>{_report.summary_html(self.summary)}{verdict}"

    def __repr__(self) -> str:
        return f"{self.title}\n{self.verdict}"
