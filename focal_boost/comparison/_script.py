"""Write the Python program that trains the recommended model on all rows. User-supplied names become literals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from focal_boost.comparison._contenders import Booster, Contender
from focal_boost.comparison._data import Problem


def script(
    problem: Problem,
    booster: Booster,
    contender: Contender | None,
    candidates: Sequence[Contender],
    n_rounds: int,
) -> str:
    """Return a program that ends in a fitted ``model``; without a contender, cross-validation chooses it."""
    params = {**booster.params, "n_estimators": n_rounds}
    settings = ", ".join(f"{name}={value!r}" for name, value in params.items())
    estimator = f"{booster.class_name}({settings})"
    imports = [f"from {booster.name} import {booster.class_name}"]
    weights = ""
    if contender is None:
        grid: dict[str, list[Any]] = {
            "gamma": list(dict.fromkeys(c.gamma for c in candidates)),
            "alpha": list(dict.fromkeys(c.alpha for c in candidates)),
        }
        imports.append("from focal_boost import FocalBoostClassifier")
        imports.append("from sklearn.model_selection import GridSearchCV")
        estimator = f"GridSearchCV(FocalBoostClassifier({estimator}), {grid!r}, scoring='neg_log_loss', cv=3)"
    elif contender.class_weights:
        imports.append("from sklearn.utils.class_weight import compute_sample_weight")
        weights = ", sample_weight=compute_sample_weight('balanced', y)"
    elif not contender.built_in:
        imports.append("from focal_boost import FocalBoostClassifier")
        estimator = f"FocalBoostClassifier({estimator}, gamma={contender.gamma!r}, alpha={contender.alpha!r})"
    first = [line for line in problem.source if line.startswith(("import ", "from "))]
    body = [line for line in problem.source if line not in first]
    lines = [*first, *imports, "", *body, f"model = {estimator}", f"model.fit(X, y{weights})"]
    return "\n".join(lines) + "\n"
