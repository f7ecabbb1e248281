"""The report: an HTML page without scripts or links. The template escapes all text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from focal_boost.comparison._contenders import CHOSEN, CLASS_WEIGHTS, CORRECTED, LOG_LOSS, TITLES
from focal_boost.comparison._picture import svgs
from focal_boost.comparison._plan import HELD_OUT, INNER_FOLDS, Plan
from focal_boost.comparison._verdict import signed
from focal_boost.comparison.scores import SCORES

if TYPE_CHECKING:
    from focal_boost.comparison._comparison import Comparison

_CAPTIONS = {
    "Precision and recall": "Test rows of all folds.",
    "Reliability": (
        "Each point is one of ten bins of equal predicted mass; points on the diagonal are calibrated. The "
        "probabilities before calibration are the plain sigmoid or softmax."
    ),
    "Log loss by gamma": (
        "On test rows; lower is better. The distance between thin lines is the difference between folds, not an "
        "effect of gamma."
    ),
    "Change": (
        "Mean paired difference from the built-in log loss with its simultaneous interval: grey if the interval "
        "contains zero, blue if the contender is better, orange if it is worse."
    ),
    "Expected cost": (
        "A false alarm costs 1, a missed positive the ratio. A dot marks the minimum cost of a contender on the "
        "test rows, which is slightly optimistic. The vertical line is the optimal threshold for exact "
        "probabilities."
    ),
    "Learning curves": "One line per fold, on the rows for early stopping; the dot is the selected round.",
}


def page(comparison: Comparison) -> str:
    """Return the report."""
    plan = comparison._plan
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    seconds = comparison.scores.groupby(["booster", "contender"], sort=False)["seconds"].mean()
    summary = _arrows(summary_table(comparison.summary))
    many_classes = len(plan.problem.classes) > 2
    return template.render(
        comparison=comparison,
        name=plan.problem.name,
        many_classes=many_classes,
        summary=_html(summary.assign(**{"training, s": seconds.map("{:.2f}".format).to_list()})),
        explanations={
            **{score.name: score.explanation for score in SCORES},
            "training, s": "Mean seconds per fold.",
        },
        contenders=_contenders(plan),
        differences=_html(_differences(comparison.differences)),
        per_class=_html(_per_class(comparison)) if many_classes else "",
        cost_ratio=plan.cost_ratio,
        costs=_html(_costs(comparison.costs)),
        panels={title: list(map(Markup, panels)) for title, panels in svgs(comparison).items()},
        captions={name: text for name, text in _CAPTIONS.items() if name != "Expected cost" or plan.cost_ratio},
        settings=_settings(plan) | comparison.provenance,
    )


def summary_table(summary: pd.DataFrame, separator: str = " ± ") -> pd.DataFrame:
    """Return mean and standard deviation of each score as text, one row per contender."""
    cells = {
        score.name: [f"{mean:z.4f}{separator}{std:z.4f}" for mean, std in summary[score.name].to_numpy()]
        for score in SCORES
    }
    return pd.DataFrame(cells, index=_labels(*zip(*summary.index, strict=True)))


def summary_html(summary: pd.DataFrame) -> Markup:
    """Return the summary as an HTML table."""
    return _html(_arrows(summary_table(summary)))


def _arrows(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={s.name: f"{s.name} {'↑' if s.higher_is_better else '↓'}" for s in SCORES})


def _html(table: pd.DataFrame) -> Markup:
    return Markup(table.to_html(border=0)) if len(table) else Markup()


def _differences(differences: pd.DataFrame) -> pd.DataFrame:
    cells = {
        "score": differences["score"],
        "difference": differences["difference"].map(signed),
        "interval": [f"{signed(low)} to {signed(high)}" for low, high in differences[["low", "high"]].to_numpy()],
        "adjusted p": differences["p_value"].map("{:.2g}".format),
        "finding": differences["finding"],
    }
    return pd.DataFrame(cells).set_axis(_labels(differences["booster"], differences["contender"]))


def _per_class(comparison: Comparison) -> pd.DataFrame:
    """Return scores per class of the log loss, the class weights, the best focal loss and the recommendation."""
    losses = comparison.summary[("log loss", "mean")].groupby(level="contender").mean()
    focal = [contender.name for contender in comparison._plan.contenders if contender.gamma]
    names = [LOG_LOSS.name, CLASS_WEIGHTS.name, *losses[focal].nsmallest(1).index, comparison.best[1]]
    wide = comparison.per_class[comparison.per_class["contender"].isin(names)].pivot_table(
        index=["booster", "class", "n_rows"],
        columns="contender",
        values=["average precision", "recall"],
        sort=False,
        observed=True,
    )
    wide.columns = [f"{score}: {name}" for score, name in wide.columns]
    table = wide.map("{:.3f}".format).reset_index().rename(columns={"n_rows": "rows"})
    return table.set_axis(_labels(table["booster"], table["class"])).drop(columns=["booster", "class"])


def _costs(costs: pd.DataFrame) -> pd.DataFrame:
    text = costs.drop(columns=["booster", "contender"]).map("{:.4f}".format)
    return text.set_axis(_labels(costs["booster"], costs["contender"]))


def _labels(boosters: Sequence[str], contenders: Sequence[str]) -> list[str]:
    """Return the names of the contenders, with the booster as a prefix if there are several boosters."""
    prefix = len(set(boosters)) > 1
    return [f"{TITLES[b]}: {c}" if prefix else c for b, c in zip(boosters, contenders, strict=True)]


def _contenders(plan: Plan) -> dict[str, str]:
    texts = {
        LOG_LOSS.name: "the booster's own objective",
        CLASS_WEIGHTS.name: "the same with balanced class weights and uncorrected probabilities, as commonly used",
        CORRECTED.name: "gamma 0 with balanced alpha; probabilities corrected in closed form, also to stop early",
        "gamma …": "focal losses, with calibrated probabilities",
    }
    if plan.chooses:
        names = ", ".join(contender.name for contender in plan.candidates)
        texts[CHOSEN] = f"chosen by log loss in {INNER_FOLDS} inner folds of the training rows, from: {names}"
    return texts


def _settings(plan: Plan) -> dict[str, str]:
    repeats = f", {plan.n_repeats} times" if plan.n_repeats > 1 else ""
    settings = {
        "folds": f"{plan.n_folds}{repeats}, stratified, shuffled with seed {plan.seed}, shared by all contenders",
        "early stopping": f"on {HELD_OUT:.0%} of each class of the training rows, the same for all contenders",
    }
    for booster in plan.boosters:
        params = ", ".join(f"{name}={value!r}" for name, value in booster.params.items())
        stop = f"early stopping after {booster.early_stopping_rounds} rounds"
        settings[booster.title] = f"{booster.version}; {params}; {stop}"
    return settings
