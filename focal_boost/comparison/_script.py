"""Write the Python program that trains the recommended model on all rows; names in the data become literals."""

from __future__ import annotations

import importlib
import inspect
import math
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from focal_boost.comparison._data import Problem


def script(problem: Problem, estimator: Pipeline, threshold: float | None) -> str:
    """Return the program; ``threshold`` is for the positive of two classes, None with more classes."""
    body = [line for line in problem.source if not line.startswith(("import ", "from "))]
    imports = {"import joblib", "import pandas as pd", *problem.source} - set(body)
    arguments = ["DATA", "[MODEL]"] if "import sys" in imports else ["[MODEL]"]
    at = len(arguments)
    imports |= {"import sys", "from sklearn.pipeline import make_pipeline"}
    body += ["model = make_pipeline(", *(f"    {_expression(step, imports)}," for _, step in estimator.steps), ")"]
    if threshold is not None:
        imports.add("from sklearn.model_selection import FixedThresholdClassifier")
        body += [
            f"threshold = {threshold:.6g}  # minimises the expected cost on the test rows of the comparison",
            f"options = dict(pos_label={problem.positive!r}, response_method='predict_proba')",
            "model = FixedThresholdClassifier(model, threshold=threshold, **options)",
        ]
    return "\n".join(
        [
            f"# Train the recommended model and save it: python best_model.py {' '.join(arguments)}",
            *sorted(imports, key=lambda line: (line != "import sys", line.startswith("from "), line)),
            "",
            *body,
            "model.fit(X, y)",
            "probabilities = pd.DataFrame(model.predict_proba(X), columns=model.classes_)",
            "print(probabilities.assign(predicted=model.predict(X)))",
            f"joblib.dump(model, sys.argv[{at}] if len(sys.argv) > {at} else 'model.joblib')",
            "",
        ]
    )


def _expression(value: Any, imports: set[str], indent: str = "    ") -> str:
    """Return Python code for the value, and add the required imports; ``indent`` is that of its first line."""
    if isinstance(value, BaseEstimator):
        kind = type(value)
        imports.add(f"from {_public_module(kind)} import {kind.__name__}")
        deeper = f"{indent}    "
        arguments = [
            f"{name}={_expression(argument, imports, deeper)}"
            for name, argument in value.get_params(deep=False).items()
            if repr(argument) != repr(_default(kind, name))
        ]
        code = f"{kind.__name__}({', '.join(arguments)})"
        if len(code) <= 100:
            return code
        lines = [f"{deeper}{argument}," for argument in arguments]
        return "\n".join([f"{kind.__name__}(", *lines, f"{indent})"])
    if isinstance(value, dict):
        items = [f"{_expression(key, imports)}: {_expression(item, imports)}" for key, item in value.items()]
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        items = [_expression(item, imports) for item in value]
        return f"({', '.join(items)},)" if isinstance(value, tuple) else f"[{', '.join(items)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    # The only functions in the steps are methods of pandas.DataFrame.
    return f"pd.DataFrame.{value.__name__}" if inspect.isroutine(value) else repr(value)


def _default(kind: type, name: str) -> Any:
    """Return the default of a parameter, which a base class may define if the class itself takes ``**kwargs``."""
    for parent in kind.__mro__:
        parameter = inspect.signature(parent).parameters.get(name)
        if parameter is not None:
            return parameter.default
    return None


def _public_module(kind: type) -> str:
    """Return the shortest path from which a class can be imported."""
    parts = kind.__module__.split(".")
    paths = (".".join(parts[: i + 1]) for i in range(len(parts)))
    return next(path for path in paths if getattr(importlib.import_module(path), kind.__name__, None) is kind)
