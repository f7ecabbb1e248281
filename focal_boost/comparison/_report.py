"""The report: one HTML page without scripts or links. All text is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

import pandas as pd

from focal_boost._version import __version__
from focal_boost.comparison._contenders import CHOSEN
from focal_boost.comparison._plan import HELD_OUT, INNER_FOLDS, Plan
from focal_boost.comparison._verdict import signed
from focal_boost.comparison.scores import SCORES

_CAPTIONS = (
    ("Precision and recall", "Test rows of all folds."),
    (
        "Reliability",
        "Each point is one of ten bins of equal predicted mass; points on the diagonal are calibrated.",
    ),
    (
        "Log loss by gamma",
        "On test rows; lower is better. Parallel thin lines are folds of different difficulty, not an effect of "
        "gamma.",
    ),
)


def page(
    plan: Plan,
    *,
    interruption: str,
    verdict: Iterable[tuple[str, str]],
    n_folds: int,
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    picture: bytes,
    script: str,
    notes: Iterable[str],
) -> str:
    """Return the report; ``interruption`` is empty if all folds are finished, ``picture`` is a PNG file."""
    macro = " All but log loss and Brier are one-vs-rest averages." if len(plan.problem.classes) > 2 else ""
    warning = f"<section class='verdict warning'><p>{escape(interruption)}</p></section>" if interruption else ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        name=escape(plan.problem.name),
        title=escape(plan.problem.title),
        interruption=warning,
        verdict=verdict_html(verdict),
        scores=f"Mean ± standard deviation over {n_folds} folds, on test rows.{macro}",
        summary=summary_html(summary),
        explanations=_definitions((score.name, score.explanation) for score in SCORES),
        differences=differences_html(differences) if len(differences) else "",
        picture=base64.b64encode(picture).decode(),
        captions=_definitions(_CAPTIONS),
        script=escape(script),
        settings=_definitions(_settings(plan)),
        notes=f"<h2>Notes on the data and the training</h2><ul>{items}</ul>" if items else "",
    )


def verdict_html(paragraphs: Iterable[tuple[str, str]]) -> str:
    """Return the verdict as HTML paragraphs, the conclusions in bold."""
    return "".join(f"<p><b>{escape(conclusion)}</b> {escape(text)}</p>" for conclusion, text in paragraphs)


def summary_table(summary: pd.DataFrame, separator: str = " ± ") -> pd.DataFrame:
    """Return mean and standard deviation of each score as text, one row per contender."""
    cells = {
        score.name: [f"{mean:z.4f}{separator}{std:z.4f}" for mean, std in summary[score.name].to_numpy()]
        for score in SCORES
    }
    return pd.DataFrame(cells, index=_labels(*zip(*summary.index, strict=True)))


def summary_html(summary: pd.DataFrame) -> str:
    """Return the summary as an HTML table."""
    arrows = {score.name: f"{score.name} {'↑' if score.higher_is_better else '↓'}" for score in SCORES}
    return summary_table(summary).rename(columns=arrows).to_html(border=0)


def differences_html(differences: pd.DataFrame) -> str:
    """Return the differences as an HTML table."""
    cells = {
        "score": differences["score"],
        "difference": differences["difference"].map(signed),
        "interval": [f"{signed(low)} to {signed(high)}" for low, high in differences[["low", "high"]].to_numpy()],
        "adjusted p": differences["p_value"].map("{:.2g}".format),
        "finding": differences["finding"],
    }
    table = pd.DataFrame(cells).set_axis(_labels(differences["booster"], differences["contender"]))
    return table.to_html(border=0)


def _labels(boosters: Sequence[str], contenders: Sequence[str]) -> list[str]:
    """Return the contenders, prefixed with their boosters if there are several."""
    prefix = len(set(boosters)) > 1
    return [f"{b}: {c}" if prefix else c for b, c in zip(boosters, contenders, strict=True)]


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs)


def _settings(plan: Plan) -> list[tuple[str, str]]:
    settings = [
        ("folds", f"{plan.n_folds}, stratified, shuffled with seed {plan.seed}; the same for all contenders"),
        ("early stopping", f"on {HELD_OUT:.0%} of each class of the training rows, the same for all contenders"),
    ]
    if plan.chooses:
        names = ", ".join(contender.name for contender in plan.candidates)
        settings.append((CHOSEN, f"by log loss in {INNER_FOLDS} inner folds of the training rows, from: {names}"))
    for booster in plan.boosters:
        params = ", ".join(f"{name}={value!r}" for name, value in booster.params.items())
        stop = f"early stopping after {booster.early_stopping_rounds} rounds"
        settings.append((booster.title, f"{booster.version}; {params}; {stop}"))
    return [*settings, ("focal_boost", __version__)]
