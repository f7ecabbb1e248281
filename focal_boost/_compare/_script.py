"""The lines of Python that train the recommended model on all rows. What the user named goes in as a literal."""

from __future__ import annotations

from typing import Any

from focal_boost._compare._contenders import Booster, Contender
from focal_boost._compare._data import Problem


def script(
    problem: Problem,
    booster: Booster,
    contender: Contender | None,
    candidates: tuple[Contender, ...],
    n_rounds: int,
) -> str:
    """Return a program that ends in a fitted ``model``; no contender means the one chosen by cross-validation."""
    params = {**booster.params, "n_estimators": n_rounds}
    settings = ", ".join(f"{name}={value!r}" for name, value in params.items())
    base = f"{booster.class_name}({settings})"
    imports = [f"from {booster.name} import {booster.class_name}"]
    fit = "model.fit(X, y)"
    if contender is None:
        grid: dict[str, list[Any]] = {
            "gamma": list(dict.fromkeys(c.gamma for c in candidates)),
            "alpha": list(dict.fromkeys(c.alpha for c in candidates)),
        }
        imports += [
            "from focal_boost import FocalBoostClassifier",
            "from sklearn.model_selection import GridSearchCV",
        ]
        lines = [f"estimator = FocalBoostClassifier({base})"]
        lines += [f"model = GridSearchCV(estimator, {grid!r}, scoring='neg_log_loss', cv=3)"]
    elif contender.class_weights:
        imports += ["from sklearn.utils.class_weight import compute_sample_weight"]
        lines = [f"model = {base}"]
        fit = "model.fit(X, y, sample_weight=compute_sample_weight('balanced', y))"
    elif contender.built_in:
        lines = [f"model = {base}"]
    else:
        imports += ["from focal_boost import FocalBoostClassifier"]
        lines = [f"model = FocalBoostClassifier({base}, gamma={contender.gamma!r}, alpha={contender.alpha!r})"]
    first = [line for line in problem.source if line.startswith(("import ", "from "))]
    body = [line for line in problem.source if line and line not in first]
    return "\n".join([*first, *imports, "", *body, *lines, fit]) + "\n"
