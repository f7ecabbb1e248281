"""The quality benchmark on synthetic data sets."""

import json
import pickle
import shutil
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import PLOTS, app  # noqa: E402  # the benchmarks are not part of the library
from benchmarks.harness import read_rows  # noqa: E402
from benchmarks.quality import by_hand, contenders, effects, extremes, folds, peers, run, sets, tables, tuned  # noqa: E402
from benchmarks.quality.contenders import Contender, probabilities  # noqa: E402
from benchmarks.quality.hessians import FLOORS, HESSIANS  # noqa: E402
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


def test_folds_partition_the_rows_and_hold_every_class(folder):
    table = sets.load(folder, "three", max_rows=1000)
    assert table.n_classes == 3
    assert table.left_out == {"3": 5}
    folds = list(sets.folds(table, 2))
    assert len(folds) == 6
    for fold in folds:
        rows = np.concatenate([fold.train, fold.stop, fold.test])
        assert sorted(rows) == list(range(len(table.y)))
        assert all(set(table.y[part]) == {0, 1, 2} for part in (fold.train, fold.stop, fold.test))
    for repetition in (folds[:3], folds[3:]):
        assert sorted(np.concatenate([fold.test for fold in repetition])) == list(range(len(table.y)))
    assert [sets.repetitions(n) for n in (2_000, 8_000, 8_001)] == [5, 3, 1]


def test_sampling_keeps_the_class_shares(folder):
    full, part = (sets.load(folder, "two", max_rows=n) for n in (1000, 100))
    assert len(part.y) == 100
    assert part.y.mean() == pytest.approx(full.y.mean(), abs=0.01)


def benchmarks(*arguments):
    run = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert run.exit_code == 0, run.output


@pytest.fixture
def short(monkeypatch):
    """Make every training short, in parameters and in the number of repetitions."""
    monkeypatch.setitem(contenders.STANDARD, "n_estimators", 5)
    monkeypatch.setitem(contenders.DEFAULTS, "n_estimators", 5)
    monkeypatch.setattr(sets, "repetitions", lambda n_rows: 1)
    monkeypatch.setattr(peers, "contenders", lambda booster: [])
    monkeypatch.setattr(tuned, "N_SETTINGS", 2)
    monkeypatch.setattr(extremes, "N_DRAWS", 2)
    monkeypatch.setattr(extremes, "REGIMES", {"20 positives": 20})


def test_a_run_resumes_and_its_results_make_tables_and_figures(folder, tmp_path, short):
    results, page = tmp_path / "results", tmp_path / "page.md"
    command = ["run", "quality", folder, "--results", results, "--jobs", "0", "--boosters", "xgboost,lightgbm"]
    benchmarks(*command, "--sets", "two")
    first = (results / "quality.csv").read_text()
    benchmarks(*command)
    assert (results / "quality.csv").read_text().startswith(first)
    fits = read_rows(results / "quality.csv")
    assert len(fits) == 2 * 2 * 8
    assert all(fit["folds"] == "3" and np.isfinite(float(fit["log_loss_error"])) for fit in fits)
    facts = {row["set"]: row["left_out"] for row in read_rows(results / "quality-sets.csv")}
    assert facts == {"two": "", "three": "3 (5 rows)"}
    with (results / "quality.csv").open("a") as file:
        file.write("three,xgboost,broken,2," + "," * (len(fits[0]) - 5) + "ValueError: no\n")
    page.write_text(
        "# Page\n<!-- table more classes -->stale<!-- end -->\n<!-- table failures --><!-- end -->\n"
        "<!-- table log loss by set --><!-- end -->\n<!-- table Hessian at the start --><!-- end -->\nend\n"
    )
    benchmarks("tables", page, "--results", results)
    text = page.read_text()
    assert "stale" not in text
    assert "| xgboost | focal_boost 2 | 1/1 |" in text
    assert "| xgboost | gamma chosen by log loss | 1/1 |" in text
    assert "| xgboost: broken 2 | ValueError: no | 1 |" in text
    assert "| 50 % | 1.29 | 1.50 | 1.60 |" in text
    assert text.endswith("end\n")
    benchmarks("plot", "--results", results, "--images", tmp_path)
    assert (tmp_path / "quality-log-loss.png").exists()


OTHERS = ("standard", "versions", "vector-leaf")


@pytest.mark.parametrize("study", [name for name in run.STUDIES if name not in OTHERS])
def test_every_study_has_a_table_and_its_figure_can_be_drawn(folder, tmp_path, short, study):
    command = ["run", "quality", folder, "--study", study, "--results", tmp_path, "--jobs", "0"]
    benchmarks(*command, "--sets", "two", "--boosters", "lightgbm")
    rows = read_rows(tmp_path / f"quality-{study}.csv")
    assert [row for row in rows if row.get("error")] == []
    page = tmp_path / "page.md"
    page.write_text(f"<!-- table {study} --><!-- end -->")
    benchmarks("tables", page, "--results", tmp_path)
    assert "| lightgbm |" in page.read_text()
    benchmarks("plot", "--results", tmp_path, "--images", tmp_path)
    assert (tmp_path / f"quality-{study}.png").exists() == (f"quality-{study}" in PLOTS)


def test_vector_leaf_trees_stand_beside_one_tree_per_class(folder, tmp_path, short):
    benchmarks("run", "quality", folder, "--study", "vector-leaf", "--results", tmp_path, "--jobs", "0")
    rows = read_rows(tmp_path / "quality-vector-leaf.csv")
    assert [(row["set"], row["gamma"], row["variant"]) for row in rows] == [
        ("three", gamma, variant) for variant in ("", "vector leaf") for gamma in ("0", "1", "2")
    ]
    if "before XGBoost 3.4" not in rows[5].get("error", ""):
        assert rows[5]["log_loss"] != rows[2]["log_loss"]
        assert "focal_boost 2, vector leaf" in tables.make("vector-leaf", tmp_path).contender.to_list()


def test_versions_of_xgboost_stand_in_one_table(folder, tmp_path, short):
    benchmarks(
        *("run", "quality", folder, "--study", "versions", "--sets", "two", "--results", tmp_path, "--jobs", "0")
    )
    (path,) = tmp_path.glob("quality-versions-*.csv")
    shutil.copy(path, tmp_path / "quality-versions-0.csv")
    table = tables.make("versions", tmp_path)
    assert table.contender.str.contains("XGBoost 0").sum() == len(table) / 2 == 4


def test_an_effect_is_significant_if_its_corrected_interval_excludes_zero(tmp_path):
    def fits(values):
        return [{"log_loss": value, "average_precision": 0.5} for value in values]

    base = fits([0.5, 0.5, 0.5])
    (tmp_path / "some.csv").write_text(
        pd.DataFrame(
            {"set": name, "variant": "", "error": None, **folds.summary(fits(values), base)}
            for name, values in {"clear": [0.4, 0.41, 0.4], "noise": [0.4, 0.45, 0.49]}.items()
        ).to_csv(index=False)
    )
    found = effects.read(tmp_path, "some").set_index("set")
    assert found.loss_sign.to_dict() == {"clear": -1, "noise": 0}
    assert found.precision_sign.to_dict() == {"clear": 0, "noise": 0}
    assert found.loss["clear"] == pytest.approx(1.21 / 1.5)
    error = np.std([0.1, 0.05, 0.01], ddof=1) * np.sqrt(1 / 3 + 1 / 2)
    assert found.log_loss_error["noise"] == pytest.approx(error)


def test_an_error_is_recorded_and_the_chosen_gamma_is_the_best_on_the_stopping_rows(folder, monkeypatch, short):
    def train(contender, data, params):
        if contender.gamma == 5:
            raise ValueError("no\nsecond line")
        # The probability of the true class, which is larger on the stopping rows at gamma 1.
        p, p_stop = {0: (0.6, 0.6), 1: (0.7, 0.9), 2: (0.8, 0.7)}[contender.gamma]

        def proba(X):
            share = p_stop if X.index.equals(data.stop[0].index) else p
            return np.where(np.eye(2)[table.y[X.index]] > 0, share, 1 - share)

        return contenders.Model(proba, lambda proba: proba, 10)

    for name in ("log loss", "focal_boost"):
        monkeypatch.setitem(folds.TRAINERS, name, train)
    entering = [
        Contender("log loss", "xgboost"),
        *(Contender("focal_boost", "xgboost", g) for g in (1.0, 2.0, 5.0)),
    ]
    table = sets.load(folder, "two", max_rows=1000)
    rows = folds.evaluate(table, entering, choose=True)
    assert rows[3]["error"] == "ValueError: no"
    assert rows[4]["contender"] == "gamma chosen by log loss"
    assert rows[4]["log_loss"] == pytest.approx(-np.log(0.7))
    assert rows[4]["log_loss_difference"] == pytest.approx(-np.log(0.7) + np.log(0.6))


def test_scores_of_certain_and_of_constant_probabilities():
    y = np.repeat([0, 1], [90, 10])
    scores = folds.scores_of(y, np.tile([0.9, 0.1], (100, 1)))
    assert scores["log_loss"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert scores["brier"] == pytest.approx(0.09)
    assert scores["average_precision"] == pytest.approx(0.1)
    assert folds.scores_of(y, np.eye(2)[y])["ece"] == pytest.approx(0)


def test_probabilities_are_sigmoid_and_softmax():
    raw = np.array([-2.0, 0.0, 800.0])
    assert probabilities(raw)[:, 1] == pytest.approx([1 / (1 + np.exp(2)), 0.5, 1])
    assert probabilities(np.column_stack([raw, raw + 1]))[:, 1] == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_draw_weights_the_test_rows_to_the_shares_of_the_training_rows(folder):
    table = sets.load(folder, "two", max_rows=1000)
    for draw in extremes.draws(table, 20):
        assert set(draw.train) | set(draw.test) == set(range(len(table.y)))
        assert table.y[draw.train].sum() == 20
        share = np.average(table.y[draw.test], weights=draw.weight)
        assert share == pytest.approx(table.y[draw.train].mean())


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_factor_makes_the_hessian_that_of_the_log_loss_at_the_start(n_classes):
    shares = np.array([0.9, 0.1] if n_classes == 2 else [0.5, 0.1, 0.3, 0.1])
    y, binary = np.random.default_rng(0).choice(n_classes, 5000, p=shares), n_classes == 2
    losses = [BinaryFocalLoss(g, None) if binary else MulticlassFocalLoss(n_classes, g) for g in (0.0, 2.0)]
    shape = (len(y),) if binary else (len(y), n_classes)
    starts = [np.broadcast_to(loss.fit_intercept_only(y), shape) for loss in losses]
    sums = [
        by_hand.ScaledObjective(loss, scale, 1.0)(y, np.array(start))[1].sum(dtype=float)
        for loss, start in zip(losses, starts, strict=True)
        for scale in ("constant", "none")
    ]
    log_loss, _, focal, unscaled = sums
    assert focal == pytest.approx(log_loss, rel=1e-5)
    assert unscaled != pytest.approx(log_loss, rel=0.1)


def test_the_hessians_have_their_floor_and_do_not_change_their_arguments():
    rng = np.random.default_rng(0)
    before = [rng.random((50, 4)), rng.normal(size=(50, 4)), 1.0, 5 * rng.random((50, 4))]
    after = deepcopy(before)
    safeguarded = before[0] + np.maximum(before[1], 0)
    for floor in FLOORS:
        found = HESSIANS[f"floor {floor:g}"](*after)
        assert np.array_equal(found, np.maximum(safeguarded, floor * before[3]))
    assert all(np.array_equal(part, copy) for part, copy in zip(before, after, strict=True))
    y, raw = np.array([0, 1, 1]), np.array([-3.0, -2.0, 4.0])
    policies = "safeguarded", HESSIANS["floor 0.0001"]
    default, floored = (BinaryFocalLoss(2.0, None, hessian=policy)(y, raw)[1] for policy in policies)
    assert floored == pytest.approx(default)
    assert pickle.loads(pickle.dumps(HESSIANS["floor 0.1"])).args == (0.1,)
