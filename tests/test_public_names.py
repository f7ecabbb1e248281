"""The public names are exactly the documented ones."""

import importlib
import subprocess
import sys

import pytest

import focal_boost
import focal_boost.comparison
import focal_boost.losses
from focal_boost.boosters import default_estimator


def test_names_of_the_package():
    assert sorted(focal_boost.__all__) == [
        "BinaryFocalLoss",
        "FocalBoostClassifier",
        "MulticlassFocalLoss",
        "PriorCorrectedClassifier",
        "compare",
        "focal_loss",
    ]
    assert all(hasattr(focal_boost, name) for name in focal_boost.__all__)


def test_dir_shows_the_public_names_only():
    assert dir(focal_boost) == sorted(focal_boost.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        focal_boost.unknown  # noqa: B018


def test_names_of_the_comparison():
    assert sorted(focal_boost.comparison.__all__) == ["Comparison", "FixedCategories", "InputError", "compare"]
    assert focal_boost.comparison.compare is focal_boost.compare


def test_names_of_the_losses():
    assert sorted(focal_boost.losses.__all__) == [
        "BinaryFocalLoss",
        "BoundLoss",
        "FocalLoss",
        "Gamma",
        "Hessian",
        "MulticlassFocalLoss",
        "posterior",
    ]
    assert all(hasattr(focal_boost.losses, name) for name in focal_boost.losses.__all__)


def test_public_methods_of_a_loss():
    methods = {name for name in dir(focal_boost.BinaryFocalLoss) if not name.startswith("_")}
    assert methods == {
        "alpha",
        "bind",
        "fit_intercept_only",
        "gamma",
        "gradient",
        "gradient_hessian",
        "hessian",
        "log_likelihood",
        "loss",
        "objective",
        "predict_log_proba",
        "predict_proba",
        "scale",
    }


def test_the_package_imports_no_booster_and_needs_no_data_frames():
    program = (
        "import sys, importlib.abc\n"
        "tried = set()\n"
        "class Refuse(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name.partition('.')[0] in (\n"
        "            'xgboost', 'lightgbm', 'catboost', 'pandas', 'dask', 'typer', 'rich'\n"
        "        ):\n"
        "            tried.add(name)\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from focal_boost import BinaryFocalLoss, FocalBoostClassifier, focal_loss\n"
        "assert BinaryFocalLoss().fit_intercept_only([0, 1]) != 0\n"
        "assert not {'xgboost', 'lightgbm'} & tried, tried\n"
        "try:\n"
        "    FocalBoostClassifier().fit([[0], [1]], [0, 1])\n"
        "except ImportError as error:\n"
        "    assert 'pip install xgboost' in str(error)\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_default_booster_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)  # importing it raises ImportError
    with pytest.raises(ImportError, match="pip install xgboost"):
        default_estimator()


def test_the_default_booster_on_dask_names_the_package_that_is_missing(monkeypatch):
    model = pytest.importorskip("focal_boost.dask").DaskFocalBoostClassifier()
    monkeypatch.setitem(sys.modules, "xgboost.dask", None)
    with pytest.raises(ImportError, match="pip install xgboost"):
        model.fit(None, None)


@pytest.mark.parametrize("missing", ["dask", "distributed", "dask.dataframe"])
def test_training_on_a_cluster_names_the_packages_that_are_missing(missing, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("focal_boost.dask")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r'pip install "dask\[array,dataframe\]" distributed'):
        importlib.import_module("focal_boost.dask")
