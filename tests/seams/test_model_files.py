"""Damaged model files, which the boosters reject."""

import subprocess
import sys
import textwrap

import lightgbm
import xgboost

from .cases import X, Y

LOAD = textwrap.dedent("""
    import sys
    import lightgbm
    import xgboost

    for path in sys.argv[1:]:
        module = xgboost if path.endswith("json") else lightgbm
        try:
            module.Booster(model_file=path)
        except (xgboost.core.XGBoostError, lightgbm.basic.LightGBMError, ValueError):
            print("rejected", path, flush=True)
        else:
            print("loaded", path, flush=True)
""")


def test_boosters_reject_damaged_models(tmp_path):
    lgb = lightgbm.LGBMClassifier(n_estimators=3, verbosity=-1, min_child_samples=5).fit(X, Y)
    xgb = xgboost.XGBClassifier(n_estimators=3).fit(X, Y)
    text, document = lgb.booster_.model_to_string(), xgb.get_booster().save_raw("json").decode()
    damaged = {
        "short.json": document[: len(document) // 2],
        "edited.json": document.replace('"num_trees":"3"', '"num_trees":"three"'),
        "swapped.json": text,
        "empty.json": "",
        "short.txt": text[: len(text) // 3],
        "swapped.txt": document,
        "empty.txt": "",
    }
    assert damaged["edited.json"] != document
    for name, content in damaged.items():
        (tmp_path / name).write_text(content)
    # LightGBM 4.7 crashes on a text truncated inside a tree, so this file comes last; it must not load either.
    names = [*(name for name in damaged if name != "short.txt"), "short.txt"]
    command = [sys.executable, "-c", LOAD, *names]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    rejected = run.stdout.splitlines()
    assert rejected[:6] == [f"rejected {name}" for name in names[:6]], f"the process ended: {run.stderr}"
    assert "loaded" not in run.stdout
