"""The quality benchmark on synthetic data sets."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import app  # noqa: E402  # the benchmarks are not part of the library
from benchmarks.harness import RESULTS, read_rows  # noqa: E402
from benchmarks.quality import contenders, run, sets, summary  # noqa: E402
from benchmarks.quality.contenders import Contender, probabilities  # noqa: E402
from benchmarks.quality.hessians import HESSIANS  # noqa: E402
from focal_boost import BinaryFocalLoss, MulticlassFocalLoss  # noqa: E402


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


def test_folds_partition_the_rows_hold_every_class_and_never_test_on_a_class_too_small(folder):
    table = sets.load(folder, "three", max_rows=1000, keep_rare=True)
    assert table.left_out == {"3": 5}
    folds = list(sets.folds(table))
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == np.flatnonzero(~table.rare).tolist()
    for fold in folds:
        rows = np.concatenate([fold.train, fold.stop, fold.test])
        assert sorted(rows) == list(range(len(table.y)))
        assert set(table.y[fold.train]) == {0, 1, 2, 3}
        assert set(table.y[fold.stop]) == set(table.y[fold.test]) == {0, 1, 2}
    assert sets.load(folder, "three", max_rows=1000, keep_rare=False).n_classes == 3


def test_sampling_keeps_the_class_shares(folder):
    full, part = (sets.load(folder, "two", max_rows=n, keep_rare=False) for n in (1000, 100))
    assert len(part.y) == 100
    assert part.y.mean() == pytest.approx(full.y.mean(), abs=0.01)


def benchmarks(*arguments):
    run = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert run.exit_code == 0, run.output


def test_a_run_resumes_and_its_results_make_the_tables(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "ROUNDS", 40)
    results, page = tmp_path / "results", tmp_path / "page.md"
    command = ["run", "quality", folder, "--results", results, "--jobs", "0"]
    command += ["--only", "built-in log loss$|focal_boost 2$|chosen by log loss"]
    benchmarks(*command, "--sets", "two")
    first = (results / "quality.csv").read_text()
    benchmarks(*command)
    assert (results / "quality.csv").read_text().startswith(first)
    fits = read_rows(results / "quality.csv")
    assert len(fits) == 2 * 2 * 3
    assert all(
        np.isfinite(float(fit[column])) for fit in fits for column in (*run.BY_FOLD, "roc_auc", "ece", "f1")
    )
    assert [(row["set"], row["left_out"]) for row in read_rows(results / "quality-sets.csv")] == [
        ("two", ""),
        ("three", "3 (5 rows)"),
    ]

    with (results / "quality.csv").open("a") as file:
        file.write("three,broken,xgboost,2" + "," * (len(fits[0]) - 4) + "ValueError: no\n")
    page.write_text(
        "# Page\n<!-- table more classes -->stale<!-- end -->\n<!-- table failures --><!-- end -->\n"
        "<!-- table correlations --><!-- end -->\n<!-- table Hessian at the start --><!-- end -->\nend\n"
    )
    benchmarks("tables", page, "--results", results)
    text = page.read_text()
    assert "stale" not in text
    assert "| xgboost | focal_boost 2 | 1/1 |" in text
    assert "| xgboost | gamma chosen by log loss | 1/1 |" in text
    assert "| xgboost: broken 2 | ValueError: no | 1 |" in text
    assert "| built-in log loss | " in text
    assert "| 50 % | 1.29 | 1.50 | 1.60 |" in text
    assert text.endswith("end\n")


def test_noise_is_a_difference_whose_sign_the_folds_do_not_share():
    values = {
        ("clear", "log loss"): [0.5, 0.5, 0.5],
        ("clear", "focal_boost"): [0.4, 0.41, 0.4],
        ("noise", "log loss"): [0.5, 0.5, 0.5],
        ("noise", "focal_boost"): [0.4, 0.6, 0.5],
        ("failed", "log loss"): [0.5, 0.5, 0.5],
        ("failed", "focal_boost"): [np.nan] * 3,
    }
    fits = pd.DataFrame(
        {"set": name, "contender": contender, "booster": "xgboost", "gamma": 2.0 * (contender == "focal_boost")}
        | {"variant": "", "classes": 2, "error": "ValueError" if np.isnan(folds[0]) else None}
        | {f"log_loss_{i + 1}": value for i, value in enumerate(folds)}
        for (name, contender), folds in values.items()
    )
    found = summary.by_set(fits, "log_loss", ratio=True).query("contender == 'focal_boost'").set_index("set")
    assert found.sign.to_dict() == {"clear": -1, "noise": 0}
    assert found.effect.to_dict() == pytest.approx({"clear": 1.21 / 1.5, "noise": 1})
    assert found.lowest["noise"] == pytest.approx(-0.1)
    assert found.highest["noise"] == pytest.approx(0.1)


def test_an_error_is_recorded_and_the_chosen_gamma_is_the_best_on_the_stopping_rows(folder, monkeypatch):
    def train(contender, table, fold):
        if contender.gamma == 5:
            raise ValueError("no\nsecond line")
        # Probabilities of the true class: gamma 1 is the best on the stopping rows, gamma 2 on the tested ones.
        p, p_stop = {0: (0.6, 0.6), 1: (0.7, 0.9), 2: (0.8, 0.7)}[contender.gamma]
        proba, proba_stop = (
            np.where(np.eye(2)[table.y[rows]] > 0, share, 1 - share)
            for rows, share in ((fold.test, p), (fold.stop, p_stop))
        )
        return contenders.Outcome(proba, proba_stop, 10, 1.0)

    monkeypatch.setitem(run.TRAINERS, "log loss", train)
    monkeypatch.setitem(run.TRAINERS, "focal_boost", train)
    entering = [
        Contender("log loss", "xgboost"),
        *(Contender("focal_boost", "xgboost", g) for g in (1.0, 2.0, 5.0)),
    ]
    entering.append(Contender("gamma chosen by log loss", "xgboost", np.nan))

    def load(name):
        return sets.load(folder, name, max_rows=1000, keep_rare=False)

    rows = run.evaluate(load, "two", entering, "standard")
    assert rows[3]["error"] == "ValueError: no"
    assert rows[4]["log_loss_1"] == pytest.approx(-np.log(0.7))
    assert rows[4]["cpu_seconds"] == pytest.approx(sum(row["cpu_seconds"] for row in rows[:3]))


def test_scores_of_certain_and_of_constant_probabilities():
    y = np.repeat([0, 1], [90, 10])
    scores = run._scores("", y, np.tile([0.9, 0.1], (100, 1)), np.array([0.5]))
    assert scores["log_loss"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert scores["brier"] == pytest.approx(0.09)
    assert scores["average_precision"] == pytest.approx(0.1)
    scores = run._scores("", y, np.eye(2)[y], np.array([0.5]))
    assert scores["f1"] == scores["roc_auc"] == 1
    assert scores["ece"] == pytest.approx(0)


def test_probabilities_are_sigmoid_and_softmax():
    raw = np.array([-2.0, 0.0, 800.0])
    assert probabilities(raw)[:, 1] == pytest.approx([1 / (1 + np.exp(2)), 0.5, 1])
    assert probabilities(np.column_stack([raw, raw + 1]))[:, 1] == pytest.approx(1 / (1 + np.exp(-1)))


def parts_of_softmax(n_classes=4, gamma=2.0, n=200):
    """Return the arguments of a Hessian function and the exact diagonal, by finite differences of the gradient."""
    rng = np.random.default_rng(0)
    raw, y = rng.normal(0, 3, (n, n_classes)), rng.integers(0, n_classes, n)
    loss = MulticlassFocalLoss(n_classes, gamma)
    P = probabilities(raw)
    one_hot = np.eye(n_classes)[y]
    p = (P * one_hot).sum(axis=1, keepdims=True)
    q, ell = 1 - p, -np.log(p)
    slope = q**gamma + gamma * q ** (gamma - 1) * p * ell
    bend = gamma * q ** (gamma - 2) * p * (2 * q + (gamma * p - 1) * ell)
    v = np.abs(P - one_hot)
    arguments = slope * P * (1 - P), bend * q * v, np.where(one_hot > 0, 1.0, P / q), slope * v
    exact = np.empty_like(raw)
    for c in range(n_classes):
        step = 1e-5 * np.eye(n_classes)[c]
        exact[:, c] = (loss.gradient(y, raw + step) - loss.gradient(y, raw - step))[:, c] / 2e-5
    return arguments, exact


def test_hessians_are_built_from_the_exact_diagonal_and_do_not_change_their_arguments():
    (gauss_newton, curvature, share, gradient), exact = parts_of_softmax()
    before = [part.copy() for part in (gauss_newton, curvature, share, gradient)]
    functions = {name: function for name, function in HESSIANS.items() if callable(function)}
    found = {name: function(*before) for name, function in functions.items()}
    for part, copy in zip((gauss_newton, curvature, share, gradient), before, strict=True):
        assert np.array_equal(part, copy)
    close = pytest.approx
    assert np.minimum(exact, 0).min() < 0, "the example has no negative second derivative"
    larger = np.maximum(exact, gauss_newton)
    for name, floor in {
        "": 1e-4,
        ", floor 0": 0,
        ", floor 0.001": 1e-3,
        ", floor 0.01": 1e-2,
        ", floor 0.1": 0.1,
    }.items():
        assert found[f"diagonal safeguarded{name}"] == close(
            np.maximum(larger, floor * gradient), rel=1e-6, abs=1e-8
        )
    assert found["bounded"] == close(np.maximum(exact, gradient), rel=1e-6, abs=1e-8)
    assert np.array_equal(found["absolute_gradient"], gradient)
    assert (found["safeguarded, floor 0.01"] >= found["diagonal safeguarded, floor 0.01"] * (1 - 1e-12)).all()
    assert all(pickle.loads(pickle.dumps(function)) is function for function in functions.values())


def test_the_committed_results_hold_every_hessian():
    recorded = {row["variant"] for row in read_rows(RESULTS / "quality-policies.csv")} - {""}
    assert recorded == {*HESSIANS, "safeguarded, factor 2"}


def test_the_losses_take_every_hessian_as_their_argument():
    y, raw = np.array([0, 1, 1]), np.array([-3.0, -2.0, 4.0])
    safeguarded = BinaryFocalLoss(2.0, None)(y, raw)[1]
    for hessian in HESSIANS.values():
        found = BinaryFocalLoss(2.0, None, hessian=hessian)(y, raw)[1]
        assert found.shape == (3,)
        assert (found > 0).all()
    assert BinaryFocalLoss(2.0, None, hessian=HESSIANS["diagonal safeguarded"])(y, raw)[1] == pytest.approx(
        safeguarded
    )
