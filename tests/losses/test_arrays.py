"""Accepted labels, raw predictions and weights; errors that name the argument, the value and what is allowed."""

import functools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from .cases import derivatives, each_dtype, probabilities

BINARY, TWO, THREE = BinaryFocalLoss(), MulticlassFocalLoss(2), MulticlassFocalLoss(3)
RAW = np.array([0.5, -1.0])
HUGE = pytest.param(10**400, id="huge")


# --- containers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        lambda v: np.array(v, dtype=np.uint8),
        lambda v: np.array(v, dtype=">i2"),
        lambda v: np.array(v, dtype=">f8"),
        lambda v: np.array(v, dtype=np.float16),
        lambda v: np.array(v, dtype=np.longdouble),
        lambda v: np.array(v, dtype=object),
        lambda v: np.array(v[::-1])[::-1],
        lambda v: np.repeat(v, 2)[::2],
        lambda v: np.ma.array(v, mask=[False, False]),
        lambda v: pd.Series(v, index=["b", "b"]),
        lambda v: pd.Series(v, dtype="Int64"),
        lambda v: pd.Series(v, dtype="Float64"),
        lambda v: pd.Series(v, dtype="int8[pyarrow]"),
        pd.Categorical,
    ],
)
def test_any_container_of_numbers_gives_the_same_results(container):
    same = [container([0, 1]), container([3, 2]), container([2, 0])]
    plain = [np.array(values, dtype=np.float64) for values in ([0, 1], [3, 2], [2, 0])]
    for i in range(3):
        y, raw, weight = [*plain[:i], same[i], *plain[i + 1 :]]
        actual = [*derivatives(BINARY, y, raw, weight), *probabilities(BINARY, raw)]
        expected = [*derivatives(BINARY, *plain), *probabilities(BINARY, plain[1])]
        for a, e in zip(actual, expected, strict=True):
            assert_array_equal(a, e)
            assert a.dtype == e.dtype
    assert MulticlassFocalLoss().fit_intercept_only(same[0]) == pytest.approx([0, 0], abs=1e-15)


@pytest.mark.parametrize(
    "y",
    [[False, True], [-0.0, 1.0], np.array([False, np.True_], object), pd.Series([False, True], dtype="boolean")],
)
def test_booleans_and_negative_zero_are_labels(y):
    for loss, raw in ((BINARY, RAW), (MulticlassFocalLoss(2, (0, 3), (1, 2)), np.eye(2))):
        for actual, expected in zip(derivatives(loss, y, raw), derivatives(loss, [0, 1], raw), strict=True):
            assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    "lay_out",
    [
        np.asfortranarray,
        lambda rows: np.ascontiguousarray(rows[::-1, ::-1])[::-1, ::-1],
        lambda rows: np.repeat(np.repeat(rows, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda rows: np.frombuffer(rows.tobytes(), rows.dtype).reshape(rows.shape),
        lambda rows: rows.tolist(),
        lambda rows: pd.DataFrame(rows, index=[3, 3, 3, 3, 3]),
    ],
    ids=["fortran", "backwards", "strided", "read-only", "lists", "frame"],
)
def test_any_memory_layout_gives_the_same_results(lay_out):
    raw, y = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 2, 1, 0]
    same = lay_out(raw)
    for a, b in zip(derivatives(THREE, y, same), derivatives(THREE, y, raw), strict=True):
        assert_array_equal(a, b)
    assert_array_equal(probabilities(THREE, same), probabilities(THREE, raw))


@pytest.mark.parametrize("dtype", [np.float32, ">f4"])
def test_float32_stays_native_float32(dtype):
    for loss, raw in ((BINARY, RAW.astype(dtype)), (MulticlassFocalLoss(), np.eye(2, dtype=dtype))):
        for result in (*derivatives(loss, [0, 1], raw), *probabilities(loss, raw)):
            assert result.dtype == np.float32
            assert result.dtype.isnative


@each_dtype
def test_empty_arrays_give_empty_results(dtype):
    none = np.empty(0, dtype)
    for result in (BINARY.loss([], none), *BINARY.gradient_hessian([], none)):
        assert result.shape == (0,)
        assert result.dtype == dtype
    assert BINARY.predict_proba(none).shape == (0, 2)
    assert THREE.gradient([], none.reshape(0, 3)).shape == (0, 3)
    assert THREE.predict_proba(none.reshape(0, 3)).shape == (0, 3)


def test_the_largest_weight_is_accepted():
    assert BINARY.loss([1], [0.0], [1e15]) == 1e15 * BINARY.loss([1], [0.0])


# --- arrays that do not hold real numbers ---------------------------------------------------------------------

NOT_REAL = [
    (["0", "1"], "'0'"),
    (["a", "b"], "'a'"),
    ([b"0", b"1"], "b'0'"),
    ([None, 1], "None"),
    ([0, 1j], "0j"),
    (np.array([0, "1"], dtype=object), "'1'"),
    (np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), "2020"),
    (np.array([0, 1], dtype="m8[s]"), "timedelta64"),
    (pd.Series(["0", "1"]), "'0'"),
    (pd.Categorical(["0", "1"]), "'0'"),
    (np.ma.array([0, 1], mask=[False, True]), r"masked entries\."),
    (scipy.sparse.csr_array([[0, 1]]), "sparse"),
    (np.array([], dtype=str), "<U1"),
]


each_argument = pytest.mark.parametrize("name", ["y_true", "raw_prediction", "sample_weight"])


def loss_with(name, value):
    """Call a loss with one wrong argument."""
    return BINARY.loss(**({"y_true": [0, 1], "raw_prediction": RAW, "sample_weight": [1, 1]} | {name: value}))


@pytest.mark.parametrize(("values", "got"), NOT_REAL)
@each_argument
def test_arrays_must_hold_real_numbers(name, values, got):
    calls = {
        "y_true": [lambda: BINARY(values, RAW), lambda: BINARY.fit_intercept_only(values)],
        "raw_prediction": [lambda: BINARY([0, 1], values), lambda: BINARY.predict_proba(values)],
        "sample_weight": [lambda: BINARY([0, 1], RAW, values), lambda: BINARY.fit_intercept_only([0, 1], values)],
    }
    for call in (lambda: loss_with(name, values), *calls[name]):
        with pytest.raises(TypeError, match=f"^{name} must contain real numbers; got .*{got}"):
            call()


@each_argument
def test_ragged_arrays_and_missing_values_are_rejected(name):
    with pytest.raises(ValueError, match=rf"^{name} must be an array; got \[\[0\], \[0, 1\]\]\.$"):
        loss_with(name, [[0], [0, 1]])
    with pytest.raises((TypeError, ValueError), match=f"^{name} must .*; got .*(<NA>|nan)"):
        loss_with(name, pd.Series([1, pd.NA], dtype="Int64"))


@pytest.mark.parametrize("value", [[0], [], [0, 1, 1], [[0, 1]], [[0], [1]], 1, pd.DataFrame({"y": [0, 1]})])
def test_labels_and_weights_need_one_value_per_row(value):
    with pytest.raises(
        ValueError, match=r"^y_true must have shape \(2,\), one label per row of raw_prediction; got \("
    ):
        loss_with("y_true", value)
    with pytest.raises(ValueError, match=r"^sample_weight must have shape \(2,\); got \("):
        loss_with("sample_weight", value)
    if np.ndim(value) != 1:
        with pytest.raises(ValueError, match=r"^y_true must have shape \(n_samples,\); got \("):
            BINARY.fit_intercept_only(value)


# --- labels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "got"),
    [
        ([0.3, 1], "0.3"),
        ([0, 2], "2"),
        ([1, -1], "-1"),
        ([0, np.nan], "nan"),
        ([0, np.inf], "inf"),
        ([0, 1e300], r"1e\+300"),
        (np.array([0, 2**63], dtype=np.uint64), "9223372036854775808"),
        ([0, 10**30], r"1e\+30"),
    ],
)
def test_binary_labels_are_zero_or_one(y, got):
    for call in (lambda: BINARY.loss(y, RAW), lambda: BINARY(y, RAW), lambda: BINARY.fit_intercept_only(y)):
        with pytest.raises(ValueError, match=rf"^y_true must be 0 or 1; got {got}\.?"):
            call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_labels_of_many_classes_are_whole_numbers_below_their_number(dtype):
    raw = np.eye(3)
    assert_array_equal(THREE.loss(np.array([2, 0, 1], dtype=dtype), raw), THREE.loss([2, 0, 1], raw))
    for wrong in (3, -1, *([0.5] if dtype is not np.int8 else [])):
        y = np.array([2, 0, 1, wrong], dtype=dtype)
        for call in (lambda y=y: MulticlassFocalLoss().loss(y[1:], raw), lambda y=y: THREE.fit_intercept_only(y)):
            with pytest.raises(ValueError, match=f"^y_true must be an integer from 0 to 2; got {wrong}"):
                call()


def test_a_wrong_label_is_found_in_every_part_of_long_labels():
    for at in (0, 65_535, 65_536, 199_999):
        y = np.zeros(200_000, np.int8)
        y[at] = 2
        with pytest.raises(ValueError, match=r"^y_true must be 0 or 1; got 2\."):
            BINARY.loss(y, np.zeros(200_000))


def test_a_missing_class_allows_a_loss_but_no_initial_raw_prediction():
    assert_array_equal(BINARY.loss([1, 1], [0.0, 0.0]), BINARY.loss([1, 0], [0.0, 0.0])[[0, 0]])
    for loss, labels, weight, got in (
        (BINARY, [1, 1], None, "class 0 of 2"),
        (MulticlassFocalLoss(), [0, 2, 2], None, "class 1 of 3"),
        (THREE, [0, 1, 2], [1, 1, 0], "class 2 of 3"),
        (THREE, [0, 1, 0, 1], None, "class 2 of 3"),
    ):
        with pytest.raises(
            ValueError, match=f"^y_true must contain every class with a positive weight: {got} has none"
        ):
            loss.fit_intercept_only(labels, weight)
        with pytest.raises(
            ValueError, match=r"^y_true must contain every class .* got 0 labels for [23] classes\.$"
        ):
            loss.fit_intercept_only([])


@pytest.mark.parametrize("bad", [np.nan, np.inf, "a"])
def test_the_number_of_classes_is_not_inferred_from_invalid_labels(bad):
    error, allowed = (TypeError, "contain real numbers") if bad == "a" else (ValueError, "be 0 or 1")
    with pytest.raises(error, match=rf"^y_true must {allowed}; got (np.str_\()?'?{'0' if bad == 'a' else bad}"):
        MulticlassFocalLoss().fit_intercept_only([0, bad, 1])


def test_a_huge_label_allocates_no_memory():
    with pytest.raises(ValueError, match=r"got 2 labels for 1000000000001 classes"):
        MulticlassFocalLoss().fit_intercept_only([0, 10**12])


# --- raw predictions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, object, np.longdouble])
def test_raw_predictions_must_be_finite(bad, dtype):
    for loss, raw in ((BINARY, np.array([0.5, bad], dtype)), (TWO, np.array([[0.5, bad], [0, 0]], dtype))):
        methods = (loss.loss, loss.gradient, loss.gradient_hessian)
        # An infinity against the true class, and one in its favour.
        calls = [functools.partial(method, y) for method in methods for y in ([0, 0], [1, 1])]
        for call in (*calls, loss.predict_proba, functools.partial(loss.predict_proba, calibrated=False)):
            with pytest.raises(ValueError, match=rf"^raw_prediction must be finite.*; got {bad}\.$"):
                call(raw)


@each_dtype
def test_a_booster_may_pass_an_infinity_in_favour_of_the_true_class_only(dtype):
    for y, raw in (([0, 1], [-np.inf, np.inf]), ([1, 0], [[-np.inf, 0], [0, -np.inf]])):
        loss = BINARY if np.ndim(raw) == 1 else TWO
        assert not np.any(loss(y, np.array(raw, dtype)))
        with pytest.raises(ValueError, match=r"^raw_prediction must be finite; got a log-odds .* of inf\.$"):
            loss([1 - label for label in y], np.array(raw, dtype))
    for raw in ([np.nan, 0.0], [[np.nan, 0.0], [0.0, 0.0]], [[np.inf, np.inf]] * 2, [[-np.inf, -np.inf]] * 2):
        for y in ([0, 0], [1, 1]):
            loss = BINARY if np.ndim(raw) == 1 else TWO
            with pytest.raises(ValueError, match=r"^raw_prediction must be finite; got a log-odds .* of nan\.$"):
                loss(y, np.array(raw, dtype))


def test_raw_predictions_whose_posterior_would_overflow_are_rejected():
    for largest in (1.1e30, -1.1e30, 1.7e308):
        for loss, raw in ((BINARY, [largest]), (THREE, [[0, largest, 1]])):
            for calibrated in (True, False):
                with pytest.raises(
                    ValueError, match=r"^raw_prediction must be finite, at most 1e30; got -?1\..e\+"
                ):
                    loss.predict_proba(raw, calibrated)
    for dtype in (np.float32, np.float64):
        raw = np.array([[1e30, -1e30, 0]], dtype=dtype)
        assert_array_equal(MulticlassFocalLoss(gamma=1e6).predict_proba(raw), [[1, 0, 0]])


@pytest.mark.parametrize("calibrated", ["False", None, 0, [True]])
def test_calibrated_is_true_or_false(calibrated):
    for loss, raw in ((BINARY, [0.0]), (THREE, [[0.0, 0.0, 0.0]])):
        with pytest.raises(TypeError, match=r"^calibrated must be True or False; got "):
            loss.predict_proba(raw, calibrated)
        assert_array_equal(loss.predict_proba(raw, np.False_), loss.predict_proba(raw, False))


def test_raw_predictions_beyond_the_largest_float_are_infinite():
    with np.errstate(all="raise"):
        for raw, got in (
            ([0, 10**400], "inf"),
            (np.array(["1e400", "1"], dtype=np.longdouble), "inf"),
            ([0, -(10**400)], "-inf"),
        ):
            with pytest.raises(ValueError, match=rf"^raw_prediction must be finite.*; got {got}\.$"):
                BINARY.predict_proba(raw)
        assert_array_equal(BINARY.loss([1], np.array(["1e-4000"], dtype=np.longdouble)), BINARY.loss([1], [0.0]))


@pytest.mark.parametrize(
    ("loss", "shapes", "expected"),
    [
        (BINARY, [(), (2, 1)], r"\(n_samples,\); got \([\d, ]*\)"),
        (BINARY, [(2, 2)], r"\(n_samples,\); got \(2, 2\): use MulticlassFocalLoss\(2\)"),
        (BINARY, [(2, 3)], r"\(n_samples,\); got \(2, 3\): use MulticlassFocalLoss\(3\)"),
        (THREE, [(2, 2), (2, 4), (6,), (2, 3, 1)], r"\(n_samples, 3\); got \(.*\) \(in .* num_class in params\)"),
        (MulticlassFocalLoss(gamma=[1, 2, 3]), [(2, 2)], r"\(n_samples, 3\); got \(2, 2\) \(in .*\)"),
        (MulticlassFocalLoss(), [(2, 1), (2, 0), (2,)], r"\(n_samples, n_classes\); got \(.*\) \(in .*\)"),
    ],
)
def test_raw_predictions_need_the_shape_of_the_loss(loss, shapes, expected):
    for shape in shapes:
        raw = np.zeros(shape)
        for call in (lambda raw=raw: loss.loss([0, 1], raw), lambda raw=raw: loss.predict_proba(raw)):
            with pytest.raises(ValueError, match=rf"^raw_prediction must have shape {expected}\.$"):
                call()


# --- weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-1, -1e-300, np.nan, np.inf, 1e15 + 1, HUGE])
def test_weights_out_of_range_are_rejected(bad):
    for call in (
        lambda: BINARY.loss([0, 1], RAW, [1, bad]),
        lambda: BINARY([0, 1], RAW, [1, bad]),
        lambda: BINARY.fit_intercept_only([0, 1], [1, bad]),
    ):
        with pytest.raises(
            ValueError, match=r"^sample_weight must be finite and >= 0, at most 1e15; got (-1|nan|inf|10000)"
        ):
            call()
