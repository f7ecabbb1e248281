"""The benchmark of quality on sets made up here: what runs, what is tabled, what the measures are."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.quality import _measures, _sets, summarise  # noqa: E402  # the benchmarks are no package of the library


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    index = {}
    for name, weights in {"two": [0.8, 0.2], "three": [0.6, 0.3, 0.1]}.items():
        X, y = make_classification(240, 5, n_informative=4, n_redundant=0, weights=weights, random_state=0,
                                   n_classes=len(weights), n_clusters_per_class=1)  # fmt: skip
        frame = pd.DataFrame(X, columns=list("abcde")).assign(target=y)
        frame["e"] = np.where(frame["e"] > 0, "None", "some")
        if name == "three":
            frame.loc[:4, "target"] = 3
        frame.to_csv(folder / f"{name}.csv.gz", index=False)
        index[name] = {
            "file": f"{name}.csv.gz",
            "rows": 240,
            "K": len(weights),
            "categorical": ["e"],
            "positive": 1,
        }
    (folder / "INDEX.json").write_text(json.dumps(index))
    return folder


def test_folds_part_the_rows_hold_every_class_and_never_test_on_a_class_too_small(folder):
    table = _sets.load(folder, "three", max_rows=1000, keep_rare=True)
    assert table.left_out == {"3": 5}
    folds = list(_sets.folds(table))
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == np.flatnonzero(~table.rare).tolist()
    for fold in folds:
        rows = np.concatenate([fold.train, fold.stop, fold.test])
        assert sorted(rows) == list(range(len(table.y)))
        assert set(table.y[fold.train]) == {0, 1, 2, 3}
        assert set(table.y[fold.stop]) == set(table.y[fold.test]) == {0, 1, 2}
    assert _sets.load(folder, "three", max_rows=1000, keep_rare=False).n_classes == 3


def test_sampling_a_set_down_keeps_the_class_shares(folder):
    full, part = (_sets.load(folder, "two", max_rows=n, keep_rare=False) for n in (1000, 100))
    assert len(part.y) == 100
    assert part.y.mean() == pytest.approx(full.y.mean(), abs=0.01)


def test_run_goes_on_where_it_stopped_and_its_results_make_the_tables(folder, tmp_path):
    lines, results, page = tmp_path / "lines.jsonl", tmp_path / "results.json", tmp_path / "page.md"
    run = [sys.executable, "-m", "benchmarks.quality.run", str(folder), str(lines), "--jobs", "1"]
    run += ["--only", "^(log loss|focal_boost) .*gamma=(0|2) .*alpha=None"]
    subprocess.run([*run, "--sets", "two"], cwd=ROOT, check=True, capture_output=True)
    first = lines.read_text()
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    assert lines.read_text().startswith(first)
    fits = [json.loads(line) for line in lines.read_text().splitlines()[1:]]
    assert len(fits) == 2 * 3 * 4
    assert all(np.isfinite(fit["log_loss"]) for fit in fits)

    broken = fits[0] | {"contender": "broken", "family": "broken", "error": "ValueError: no"}
    lines.write_text(lines.read_text() + json.dumps(broken) + "\n")
    summarise.collect(results, [f"standard={lines}"])
    page.write_text(
        "# Page\n<!-- table multiclass -->stale<!-- end -->\n<!-- table failures --><!-- end -->\n"
        "<!-- table foretold --><!-- end -->\n<!-- table Hessian at the start --><!-- end -->\nend\n"
    )
    summarise.tables(results, page)
    text = page.read_text()
    assert "stale" not in text
    assert "| xgboost | focal_boost 2 | 1/1 |" in text
    assert "ValueError: no" in text
    assert "| built-in log loss | " in text
    assert "| 50 % | 1.29 | 1.50 | 1.60 |" in text
    assert text.endswith("end\n")


def test_noise_is_a_difference_whose_sign_the_folds_do_not_share():
    values = {"log loss": [0.5, 0.5, 0.5], "focal_boost": [0.4, 0.41, 0.4]}
    columns = {"booster": "xgboost", "alpha": "none", "hessian": "dominant", "rescaled": False, "error": None}
    fits = pd.DataFrame(
        {"set": name, "fold": fold, "family": family, "gamma": 2.0 * (family == "focal_boost"), **columns}
        | dict.fromkeys(summarise.NUMBERS, value if name == "clear" else [0.4, 0.6, 0.5][fold])
        | {"n_classes": 2}
        for family, folds in values.items()
        for fold, value in enumerate(folds)
        for name in ("clear", "noise")
    )
    fits.loc[(fits.set == "noise") & (fits.family == "log loss"), "log_loss"] = 0.5
    signs = summarise.by_set(fits, "log_loss", ratio=True).query("family == 'focal_boost'").set_index("set").sign
    assert signs.to_dict() == {"clear": -1, "noise": 0}


def test_threshold_is_the_one_of_the_largest_f1():
    rng = np.random.default_rng(0)
    proba = rng.integers(0, 12, 200) / 12
    is_class = rng.random(200) < proba**2
    best = max(f1_score(is_class, proba >= threshold) for threshold in np.unique(proba))
    assert f1_score(is_class, proba >= _measures.best_threshold(is_class, proba)) == pytest.approx(best)


def test_measures_of_certain_and_of_constant_probabilities():
    y = np.repeat([0, 1], [90, 10])
    constant = np.log(np.tile([0.9, 0.1], (100, 1)))
    measures = _measures.measure(y, constant, y, constant)
    assert measures["log_loss"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert measures["brier"] == pytest.approx(0.09)
    assert measures["average_precision"] == pytest.approx(0.1)
    certain = np.log(np.eye(2)[y].clip(1e-300))
    measures = _measures.measure(y, certain, y, certain)
    assert measures["f1"] == measures["roc_auc"] == 1
    assert measures["calibration_error"] == pytest.approx(0)
