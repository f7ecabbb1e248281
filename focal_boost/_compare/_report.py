"""The report to pass on: one HTML page without a script or a link. Every text that goes in is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pandas as pd

import focal_boost
from focal_boost._compare._contenders import CHOSEN
from focal_boost._compare._picture import PANELS, View, draw_panel
from focal_boost._compare._run import HELD_OUT, INNER_FOLDS, Fold, Plan
from focal_boost._compare._scores import SCORES

if TYPE_CHECKING:
    from focal_boost._compare._comparison import Comparison

_CAPTIONS = {
    "precision_recall": "Precision against recall of the test rows of all folds.",
    "reliability": "How often what was predicted happened. Each point stands for a tenth of what was predicted in "
    "sum; on the line, probabilities can be taken at their word.",
    "log_loss_by_gamma": "Log loss on test rows by gamma; lower is better. Thin lines that run in parallel are "
    "folds that differ in difficulty, which says nothing of gamma.",
}

_MACRO = " All but log loss and Brier are means over the classes, each against the rest."


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells are HTML."""
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def summary_table(summary: pd.DataFrame) -> str:
    """Return mean and spread of each contender as an HTML table."""
    several = summary.index.get_level_values(0).nunique() > 1
    rows = []
    for (booster, contender), row in summary.iterrows():
        name = f"{booster}: {contender}" if several else contender
        cells = [f"{row[s.name, 'mean']:.4f} <small>± {row[s.name, 'std']:.4f}</small>" for s in SCORES]
        rows.append([escape(name), *cells])
    return _table(["", *(f"{s.name} {'↑' if s.higher_is_better else '↓'}" for s in SCORES)], rows)


def verdict_html(paragraphs: Iterable[tuple[str, str]]) -> str:
    """Return the verdict as HTML paragraphs, the conclusions in bold."""
    return "".join(f"<p><b>{escape(conclusion)}</b> {escape(text)}</p>" for conclusion, text in paragraphs)


def _differences_table(differences: pd.DataFrame) -> str:
    several = differences["booster"].nunique() > 1
    rows = []
    for (booster, contender), of_contender in differences.groupby(["booster", "contender"], sort=False):
        cells = [escape(f"{booster}: {contender}" if several else str(contender))]
        for row in of_contender.to_dict(orient="records"):
            finding = f" <b class='{row['finding']}'>{row['finding']}</b>" if row["finding"] else ""
            cells += [f"{row['difference']:+.4f}{finding}", f"{row['low']:+.4f} to {row['high']:+.4f}"]
            cells += [f"{row['p_value']:.2g}"]
        rows.append(cells)
    header = [text for name in differences["score"].unique() for text in (name, "interval", "p, adjusted")]
    return _table(["", *header], rows)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs)


def _panels(comparison: Comparison, plan: Plan, folds: Sequence[Fold]) -> str:
    parts = []
    for booster in plan.boosters:
        view = View(plan, booster, [fold for fold in folds if fold.booster == booster.name], comparison.best)
        figures = []
        for panel in PANELS:
            data = base64.b64encode(draw_panel(panel, view).png(dpi=160)).decode()
            caption, alt = escape(_CAPTIONS[panel.__name__]), escape(panel.__name__.replace("_", " "))
            figures.append(
                f"<figure><img alt='{alt}' src='data:image/png;base64,{data}'>"
                f"<figcaption>{caption}</figcaption></figure>"
            )
        title = f"<h3>{escape(booster.title)}</h3>" if len(plan.boosters) > 1 else ""
        parts.append(f"{title}<div class='panels'>{''.join(figures)}</div>")
    return "".join(parts)


def _settings(plan: Plan) -> list[tuple[str, str]]:
    facts = [
        ("folds", f"{plan.n_folds}, stratified, shuffled with seed {plan.seed}; the same for all contenders"),
        ("early stopping", f"on {HELD_OUT:.0%} of each class of the training rows, the same for all contenders"),
    ]
    if plan.chooses:
        names = ", ".join(contender.name for contender in plan.candidates)
        facts.append((CHOSEN, f"by log loss in {INNER_FOLDS} inner folds of the training rows, from: {names}"))
    for booster in plan.boosters:
        params = ", ".join(f"{name}={value!r}" for name, value in booster.params.items())
        stop = f"early stopping after {booster.early_stopping_rounds} rounds"
        facts.append((booster.title, f"{booster.version}; {params}; {stop}"))
    return [*facts, ("focal_boost", focal_boost.__version__)]


def page(comparison: Comparison, plan: Plan, folds: Sequence[Fold]) -> str:
    """Return the report as one HTML page."""
    interrupted = ""
    if comparison.interrupted:
        text = (
            f"Interrupted: {comparison.n_finished} of {plan.n_folds} folds are finished; the figures are theirs."
        )
        interrupted = f"<section class='verdict warning'><p>{escape(text)}</p></section>"
    notes = "".join(f"<li>{escape(note)}</li>" for note in comparison.notes)
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        name=escape(plan.problem.name),
        title=escape(comparison.title),
        interrupted=interrupted,
        verdict=verdict_html(comparison.verdict_paragraphs),
        macro=_MACRO if len(plan.problem.classes) > 2 else "",
        n_folds=str(comparison.n_finished),
        summary=summary_table(comparison.summary),
        explanations=_pairs((score.name, score.explanation) for score in SCORES),
        differences=_differences_table(comparison.differences) if len(comparison.differences) else "",
        panels=_panels(comparison, plan, folds),
        script=escape(comparison.script),
        settings=_pairs(_settings(plan)),
        notes=f"<h2>Notes on the data and the training</h2><ul>{notes}</ul>" if notes else "",
    )
