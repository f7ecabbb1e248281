"""What a loss accepts, and what it says of what it refuses."""

import copy
import decimal
import fractions
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

BINARY, THREE = BinaryFocalLoss(), MulticlassFocalLoss(3)


# --- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [BINARY, BinaryFocalLoss([1, 2], (3, 4)), THREE, MulticlassFocalLoss()])
def test_a_loss_is_a_value(loss):
    for other in (pickle.loads(pickle.dumps(loss)), copy.copy(loss), copy.deepcopy(loss)):
        assert other == loss
        assert hash(other) == hash(loss)
        assert repr(other) == repr(loss)
    assert eval(repr(loss)) == loss


def test_equality_is_by_type_and_value():
    assert BinaryFocalLoss(2, 0.25) == BinaryFocalLoss(2.0, 0.25)
    assert BinaryFocalLoss(2, 0.25) != BinaryFocalLoss(2, 0.75)
    assert BinaryFocalLoss(2, None, "exact") != BinaryFocalLoss(2, None)
    assert BinaryFocalLoss(2, None) != MulticlassFocalLoss(2, 2, None)
    assert BINARY != "BinaryFocalLoss(gamma=2.0, alpha=0.25, hessian='safeguarded')"
    assert BINARY != 2


@pytest.mark.parametrize("loss", [BINARY, THREE])
@pytest.mark.parametrize("name", ["gamma", "alpha", "hessian", "new"])
def test_a_loss_cannot_be_changed(loss, name):
    with pytest.raises(AttributeError):
        setattr(loss, name, 1.0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (2, 2.0),
        (np.float32(2), 2.0),
        (np.int64(2), 2.0),
        (np.array(2), 2.0),
        (fractions.Fraction(1, 2), 0.5),
        ([1, 2], (1.0, 2.0)),
        (np.array([1, 2], dtype=">i4"), (1.0, 2.0)),
        (range(2), (0.0, 1.0)),
        (1e6, 1e6),
        (0, 0.0),
    ],
)
def test_gamma_is_kept_as_float_or_tuple(given, kept):
    for loss in (BinaryFocalLoss(given), MulticlassFocalLoss(2, given)):
        assert loss.gamma == kept
        assert type(loss.gamma) is type(kept)


@pytest.mark.parametrize(
    ("given", "kept"), [(0.3, 0.3), (np.array(0.3), 0.3), ([1, 2], (1.0, 2.0)), (None, None), ((1e-15, 1e8),) * 2]
)
def test_alpha_is_kept_as_float_tuple_or_none(given, kept):
    for loss in (BinaryFocalLoss(2, given), MulticlassFocalLoss(2, 2, given)):
        assert loss.alpha == kept
        assert type(loss.alpha) is type(kept)


def test_names_are_kept_as_plain_strings():
    assert repr(BinaryFocalLoss(hessian=np.str_("exact"))) == repr(BinaryFocalLoss(hessian="exact"))
    assert repr(MulticlassFocalLoss(hessian=np.str_("exact"))) == repr(MulticlassFocalLoss(hessian="exact"))
    assert repr(MulticlassFocalLoss(np.int64(3))) == repr(MulticlassFocalLoss(3))


# --- parameters refused ---------------------------------------------------------------------------------------

NO_NUMBERS = ["2", b"2", True, np.True_, 1j, {0: 1.0}, {1.0}, [[1, 2]], ["1", 2], decimal.Decimal(2), object()]
NO_NUMBERS += [pd.Series([1.0, 2.0]), [True, 1.0], [None, 1.0], np.array([[1.0, 2.0]])]


@pytest.mark.parametrize(
    "gamma",
    [-1, -1e-300, np.nan, np.inf, -np.inf, pytest.param(10**400, id="huge"), 1e6 + 1, (1, np.nan), (-1, 1)],
)
def test_gamma_out_of_range(gamma):
    for build in (BinaryFocalLoss, lambda g: MulticlassFocalLoss(2, g)):
        with pytest.raises(
            ValueError, match=r"^gamma must be a finite number >= 0 or one per class, at most 1e6; got "
        ):
            build(gamma)


@pytest.mark.parametrize("gamma", [*NO_NUMBERS, None])
def test_gamma_of_another_type(gamma):
    for build in (BinaryFocalLoss, lambda g: MulticlassFocalLoss(2, g)):
        with pytest.raises(
            TypeError, match=r"^gamma must be a finite number >= 0 or one per class, at most 1e6; got "
        ):
            build(gamma)


@pytest.mark.parametrize("values", [[], [1], [1, 2, 3]])
def test_wrong_length_for_two_classes(values):
    for name in ("gamma", "alpha"):
        for build in (BinaryFocalLoss, lambda **k: MulticlassFocalLoss(2, **k)):
            with pytest.raises(ValueError, match=f"^{name} must have one value per class, 2; got {len(values)}"):
                build(**{name: values})


@pytest.mark.parametrize("n_values", [2, 4])
def test_wrong_length_for_three_classes(n_values):
    for name in ("gamma", "alpha"):
        with pytest.raises(ValueError, match=f"^{name} must have one value per class, 3; got {n_values}"):
            MulticlassFocalLoss(3, **{name: [1.0] * n_values})


def test_wrong_length_for_an_open_number_of_classes():
    for name in ("gamma", "alpha"):
        with pytest.raises(ValueError, match=f"^{name} must have one value per class, at least 2; got 1"):
            MulticlassFocalLoss(**{name: [1.0]})
    with pytest.raises(ValueError, match=r"^gamma and alpha must have one value per class; got "):
        MulticlassFocalLoss(gamma=[1, 2], alpha=[1, 2, 3])
    assert MulticlassFocalLoss(gamma=[1, 2, 3], alpha=[1, 2, 3]).n_classes is None


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, np.nan, np.inf, 1e-16, pytest.param(10**400, id="huge")])
def test_alpha_number_out_of_range(alpha):
    for build in (BinaryFocalLoss, lambda **k: MulticlassFocalLoss(2, **k)):
        with pytest.raises(ValueError, match=r"^alpha must be None, a float in \(0, 1\) .* got "):
            build(alpha=alpha)


@pytest.mark.parametrize("alpha", [(0, 1), (1, -1), (1, np.nan), (1, np.inf), (1, 1e8 + 1), (1e-16, 1)])
def test_alpha_entries_out_of_range(alpha):
    with pytest.raises(ValueError, match=r"^alpha must be None, a float in \(0, 1\) .* got "):
        BinaryFocalLoss(alpha=alpha)
    with pytest.raises(
        ValueError, match=r"^alpha must be None or one positive number per class, 1e-15 to 1e8; got "
    ):
        MulticlassFocalLoss(3, alpha=(*alpha, 1.0))


@pytest.mark.parametrize("n_classes", [None, 3])
def test_one_alpha_for_many_classes(n_classes):
    with pytest.raises(ValueError, match=r"^alpha must be None or one positive number per class.*; got 0.25"):
        MulticlassFocalLoss(n_classes, alpha=0.25)


@pytest.mark.parametrize("alpha", [value for value in NO_NUMBERS if not isinstance(value, str | dict)])
def test_alpha_of_another_type(alpha):
    for build in (BinaryFocalLoss, lambda **k: MulticlassFocalLoss(3, **k)):
        with pytest.raises(TypeError, match=r"^alpha must be None( or one positive number|, a float in )"):
            build(alpha=alpha)


@pytest.mark.parametrize("alpha", ["balanced", "0.25", {}, {0: 1.0, 1: 2.0}])
def test_a_loss_sees_no_data(alpha):
    for build in (BinaryFocalLoss, lambda **k: MulticlassFocalLoss(2, **k)):
        with pytest.raises(ValueError, match=r"^alpha must be .* understood by FocalBoostClassifier\.$"):
            build(alpha=alpha)


@pytest.mark.parametrize("hessian", ["Exact", "", None, 1, ["exact"], b"exact"])
def test_unknown_policy(hessian):
    for build in (BinaryFocalLoss, MulticlassFocalLoss):
        with pytest.raises(ValueError, match=r"^hessian must be one of 'safeguarded', .*; got "):
            build(hessian=hessian)


@pytest.mark.parametrize(
    ("n_classes", "error"),
    [(1, ValueError), (-3, ValueError), (2.0, TypeError), ("3", TypeError), (True, TypeError)],
)
def test_number_of_classes_refused(n_classes, error):
    with pytest.raises(error, match=r"^n_classes must be None or an integer >= 2; got "):
        MulticlassFocalLoss(n_classes)


# --- labels ---------------------------------------------------------------------------------------------------

RAW = np.array([0.5, -1.0])
SAME_LABELS = [
    [0, 1],
    (0.0, 1.0),
    [False, True],
    np.array([0, 1], dtype=np.uint8),
    np.array([0, 1], dtype=">i2"),
    np.array([0, 1], dtype=np.float16),
    np.array([-0.0, 1.0]),
    np.array([0, 1], dtype=object),
    np.array([False, np.True_], dtype=object),
    np.array([1, 0])[::-1],
    np.ma.array([0, 1], mask=[False, False]),
    pd.Series([0, 1], index=["b", "a"]),
    pd.Series([0, 1], dtype="Int64"),
    pd.Series([False, True], dtype="boolean"),
    pd.Series([0, 1], dtype="int8[pyarrow]"),
    pd.Categorical([0, 1]),
]


@pytest.mark.parametrize("y", SAME_LABELS)
def test_labels_of_any_container(y):
    assert_array_equal(BINARY.loss(y, RAW), BINARY.loss(np.array([0, 1]), RAW))
    assert MulticlassFocalLoss().fit_intercept_only(y) == pytest.approx([0, 0], abs=1e-15)


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
def test_numbers_that_are_no_labels(y, got):
    with pytest.raises(ValueError, match=f"^y_true must be 0 or 1; got {got}"):
        BINARY.loss(y, RAW)
    with pytest.raises(ValueError, match=r"^y_true must be "):
        BINARY.fit_intercept_only(y)


@pytest.mark.parametrize(
    ("y", "got"),
    [
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
    ],
)
def test_labels_that_are_no_numbers(y, got):
    for call in (lambda: BINARY.loss(y, RAW), lambda: BINARY(y, RAW), lambda: BINARY.fit_intercept_only(y)):
        with pytest.raises(TypeError, match=f"^y_true must hold real numbers; got .*{got}"):
            call()


@pytest.mark.parametrize("y", [[0], [], [0, 1, 1], [[0, 1]], [[0], [1]], 1, pd.DataFrame({"y": [0, 1]})])
def test_labels_of_another_shape(y):
    with pytest.raises(ValueError, match=r"^y_true must have shape \(2,\) as raw_prediction has rows; got \("):
        BINARY.loss(y, RAW)


def test_labels_of_another_shape_without_a_raw_prediction():
    with pytest.raises(ValueError, match=r"^y_true must have shape \(n_samples,\); got \(1, 2\)"):
        BINARY.fit_intercept_only([[0, 1]])


def test_ragged_labels():
    with pytest.raises(ValueError, match=r"^y_true must be an array; got "):
        BINARY.loss([[0], [0, 1]], RAW)


def test_class_labels_beyond_the_raw_prediction():
    with pytest.raises(ValueError, match=r"^y_true must be an integer from 0 to 2; got 3"):
        MulticlassFocalLoss().loss([0, 3], np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^y_true must be an integer from 0 to 2; got 3"):
        THREE.fit_intercept_only([0, 1, 2, 3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_labels_of_many_classes_are_whole_numbers(dtype):
    raw = np.eye(3)
    assert_array_equal(THREE.loss(np.array([2, 0, 1], dtype=dtype), raw), THREE.loss([2, 0, 1], raw))
    for wrong in (3, -1, *([0.5] if dtype is not np.int8 else [])):
        with pytest.raises(ValueError, match=f"^y_true must be an integer from 0 to 2; got {wrong}"):
            THREE.loss(np.array([2, 0, wrong], dtype=dtype), raw)


def test_one_class_alone_has_a_loss_but_no_initial_raw_prediction():
    assert_array_equal(BINARY.loss([1, 1], [0.0, 0.0]), BINARY.loss([1, 0], [0.0, 0.0])[[0, 0]])
    with pytest.raises(ValueError, match=r"class 0 of 2 has none"):
        BINARY.fit_intercept_only([1, 1])
    with pytest.raises(ValueError, match=r"class 1 of 3 has none"):
        MulticlassFocalLoss().fit_intercept_only([0, 2, 2])
    for labels, weight in (([0, 1, 2], [1, 1, 0]), ([0, 1, 0, 1], None)):
        with pytest.raises(ValueError, match=r"class 2 of 3 has none"):
            THREE.fit_intercept_only(labels, weight)


@pytest.mark.parametrize("loss", [BINARY, THREE, MulticlassFocalLoss()])
def test_no_rows_have_no_initial_raw_prediction(loss):
    with pytest.raises(ValueError, match=r"^y_true must hold every class .* got 0 labels for [23] classes\.$"):
        loss.fit_intercept_only([])


def test_labels_that_tell_no_number_of_classes_are_named():
    with pytest.raises(TypeError, match=r"^y_true must hold real numbers; got (np.str_\()?'a'"):
        MulticlassFocalLoss().fit_intercept_only(["a", "b"])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=f"^y_true must be 0 or 1; got {bad}"):
            MulticlassFocalLoss().fit_intercept_only([0, bad, 1])


def test_a_huge_label_claims_no_memory():
    with pytest.raises(ValueError, match=r"got 2 labels for 1000000000001 classes"):
        MulticlassFocalLoss().fit_intercept_only([0, 10**12])


# --- raw predictions ------------------------------------------------------------------------------------------

SAME_RAW = [
    [0.5, -1.0],
    np.array([0.5, -1.0], dtype=">f8"),
    np.array([0.5, -1.0], dtype=np.float16),
    np.array([0.5, -1.0], dtype=np.longdouble),
    np.array([0.5, -1.0], dtype=object),
    np.array([-1.0, 0.5])[::-1],
    np.array([0.5, 9.0, -1.0, 9.0])[::2],
    pd.Series([0.5, -1.0], index=[7, 7]),
    pd.Series([0.5, -1.0], dtype="Float64"),
]


@pytest.mark.parametrize("raw", SAME_RAW)
def test_raw_predictions_of_any_container(raw):
    for method in (BINARY.loss, BINARY.gradient):
        assert_array_equal(method([0, 1], raw), method([0, 1], RAW))
        assert method([0, 1], raw).dtype == np.float64
    assert_array_equal(BINARY.predict_proba(raw), BINARY.predict_proba(RAW))


@pytest.mark.parametrize(
    "lay_out",
    [
        np.asfortranarray,
        lambda rows: np.ascontiguousarray(rows[::-1, ::-1])[::-1, ::-1],
        lambda rows: np.repeat(np.repeat(rows, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda rows: np.frombuffer(rows.tobytes(), rows.dtype).reshape(rows.shape),  # read-only
        lambda rows: rows.tolist(),
        lambda rows: pd.DataFrame(rows, index=[3, 3, 3, 3, 3]),
    ],
    ids=["fortran", "backwards", "strided", "read-only", "lists", "frame"],
)
def test_rows_of_any_layout(lay_out):
    rows = np.random.default_rng(0).normal(size=(5, 3))
    y = [0, 1, 2, 1, 0]
    same = lay_out(rows)
    assert_array_equal(THREE.loss(y, same), THREE.loss(y, rows))
    for method in (THREE.gradient_hessian, THREE):
        assert_array_equal(method(y, same), method(y, rows))
    assert_array_equal(THREE.predict_proba(same), THREE.predict_proba(rows))
    assert_array_equal(
        THREE.loss(y[:1], same[:1] if isinstance(same, list) else np.asarray(same)[:1]), THREE.loss(y, rows)[:1]
    )


@pytest.mark.parametrize("dtype", [np.float32, ">f4"])
def test_single_precision_stays_native_single_precision(dtype):
    raw = RAW.astype(dtype)
    results = [BINARY.loss([0, 1], raw), *BINARY.gradient_hessian([0, 1], raw), BINARY.predict_proba(raw)]
    results += [THREE.predict_proba(np.eye(3, dtype=dtype), calibrated) for calibrated in (True, False)]
    assert all(result.dtype == np.float32 and result.dtype.isnative for result in results)


NOT_FINITE = r"^raw_prediction must be finite.*; got .*(nan|inf)"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, object, np.longdouble])
def test_raw_predictions_that_are_not_finite(bad, dtype):
    raw = np.array([0.5, bad], dtype=dtype)
    y = [0, int(bad < 0)]  # an infinity in favour of the truth has a limit, one against it has none
    for call in (
        lambda: BINARY.loss(y, raw),
        lambda: BINARY(y, raw),
        lambda: MulticlassFocalLoss().loss([y[1]], raw[None]),
        lambda: BINARY.predict_proba(raw),
        lambda: MulticlassFocalLoss().predict_proba(raw[None]),
        lambda: MulticlassFocalLoss().predict_proba(raw[None], calibrated=False),
    ):
        with pytest.raises(ValueError, match=NOT_FINITE):
            call()


def test_infinities_without_a_difference_are_refused():
    for raw in ([[np.inf, np.inf]], [[-np.inf, -np.inf]], [[0.0, np.inf]]):
        for y in (0, 1):
            with pytest.raises(ValueError, match=NOT_FINITE):
                MulticlassFocalLoss().loss([y], raw)


def test_raw_predictions_whose_posterior_would_overflow():
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


def test_sums_that_overflow_are_finite():
    raw = np.full(2, 1.5e308)
    assert_array_equal(BINARY.gradient([1, 1], raw), [0, 0])


@pytest.mark.parametrize(
    ("raw", "got"),
    [
        (["a", "b"], "'a'"),
        (["1", "2"], "'1'"),
        ([None, 1], "None"),
        ([1j, 0], "1j"),
        (np.array(["1", 2.0], dtype=object), "'1'"),
        (np.array([0, 1], dtype="M8[D]"), "1970"),
        (np.ma.array([0.0, 1.0], mask=[True, False]), "masked"),
        (scipy.sparse.csr_array([[0.0, 1.0]]), "sparse"),
        (None, "None"),
    ],
)
def test_raw_predictions_that_are_no_numbers(raw, got):
    for call in (lambda: BINARY.loss([0, 1], raw), lambda: BINARY.predict_proba(raw)):
        with pytest.raises(TypeError, match=f"^raw_prediction must hold real numbers; got .*{got}"):
            call()


def test_raw_predictions_too_large_for_a_float():
    with np.errstate(all="raise"):
        for raw in ([0, 10**400], np.array(["1e400", "1"], dtype=np.longdouble)):
            with pytest.raises(ValueError, match=r"^raw_prediction must be finite.*; got inf"):
                BINARY.predict_proba(raw)
        with pytest.raises(ValueError, match=r"^raw_prediction must be finite.*; got -inf"):
            BINARY.predict_proba([0, -(10**400)])
        assert_array_equal(BINARY.loss([1], np.array(["1e-4000"], dtype=np.longdouble)), BINARY.loss([1], [0.0]))


def test_raw_predictions_of_another_shape():
    for raw in (0.5, [[0.5, 1.0]], np.zeros((2, 1))):
        with pytest.raises(
            ValueError,
            match=r"^raw_prediction must have shape \(n_samples,\); got \([\d, ]*\)(: use MulticlassFocalLoss\(2\))?\.$",
        ):
            BINARY.loss([0, 1], raw)
    for raw in (np.zeros((2, 2)), np.zeros((2, 4)), np.zeros(6), np.zeros((2, 3, 1))):
        with pytest.raises(
            ValueError,
            match=r"^raw_prediction must have shape \(n_samples, 3\); got \(.*\) \(in .* num_class in params\)\.$",
        ):
            THREE.loss([0, 1], raw)
    for raw in (np.zeros((2, 1)), np.zeros((2, 0)), np.zeros(2)):
        with pytest.raises(ValueError, match=r"^raw_prediction must have shape \(n_samples, n_classes\); got \("):
            MulticlassFocalLoss().loss([0, 1], raw)
    with pytest.raises(ValueError, match=r"^raw_prediction must have shape \(n_samples, 3\); got \(2, 2\)"):
        MulticlassFocalLoss(gamma=[1, 2, 3]).predict_proba(np.zeros((2, 2)))


def test_no_rows():
    for dtype in (np.float32, np.float64):
        none = np.empty(0, dtype=dtype)
        for result in (BINARY.loss([], none), *BINARY.gradient_hessian([], none)):
            assert result.shape == (0,)
            assert result.dtype == dtype
        assert BINARY.predict_proba(none).shape == (0, 2)
        assert THREE.gradient([], none.reshape(0, 3)).shape == (0, 3)
        assert THREE.predict_proba(none.reshape(0, 3)).shape == (0, 3)


# --- weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weight",
    [
        [2, 0],
        np.array([2, 0], dtype=">f8"),
        np.array([2, 0], dtype=">f4"),
        np.array([2, 0], dtype=np.float16),
        np.array([2, 0], dtype=np.longdouble),
        np.array([2, 0], dtype=object),
        pd.Series([2.0, 0.0], index=[3, 4]),
        pd.Series([2, 0], dtype="Int64"),
    ],
)
def test_weights_of_any_container(weight):
    expected = BINARY.gradient([0, 1], RAW) * [2, 0]
    assert_array_equal(BINARY.gradient([0, 1], RAW, weight), expected)
    assert_array_equal(BINARY([0, 1], RAW, weight)[0], expected.astype(np.float32))


def test_the_largest_weight():
    assert BINARY.loss([1], [0.0], [1e15]) == 1e15 * BINARY.loss([1], [0.0])


@pytest.mark.parametrize("bad", [-1, -1e-300, np.nan, np.inf, 1e15 + 1, pytest.param(10**400, id="huge")])
def test_weights_out_of_range(bad):
    for call in (
        lambda: BINARY.loss([0, 1], RAW, [1, bad]),
        lambda: BINARY([0, 1], RAW, [1, bad]),
        lambda: BINARY.fit_intercept_only([0, 1], [1, bad]),
    ):
        with pytest.raises(
            ValueError, match=r"^sample_weight must be finite and >= 0, at most 1e15; got (-1|nan|inf|10000)"
        ):
            call()


@pytest.mark.parametrize(
    "weight",
    [
        ["1", "2"],
        [None, 1],
        [1j, 1],
        np.array([1, 1], dtype="M8[D]"),
        np.array([1, 1], dtype="m8[s]"),
        np.ma.array([1.0, 2.0], mask=[True, False]),
    ],
)
def test_weights_that_are_no_numbers(weight):
    for call in (
        lambda: BINARY.loss([0, 1], RAW, weight),
        lambda: BINARY.fit_intercept_only([0, 1], weight),
    ):
        with pytest.raises(TypeError, match=r"^sample_weight must hold real numbers; got "):
            call()


@pytest.mark.parametrize("weight", [1.0, [1], [1, 1, 1], [[1, 1]], []])
def test_weights_of_another_shape(weight):
    with pytest.raises(ValueError, match=r"^sample_weight must have shape \(2,\); got \("):
        BINARY.loss([0, 1], RAW, weight)


def test_missing_values_of_pandas_are_named():
    missing = pd.Series([1, pd.NA], dtype="Int64")
    for name, call in [
        ("y_true", lambda: BINARY.loss(missing, RAW)),
        ("raw_prediction", lambda: BINARY.loss([0, 1], missing)),
        ("sample_weight", lambda: BINARY.loss([0, 1], RAW, missing)),
    ]:
        with pytest.raises((TypeError, ValueError), match=f"^{name} must .*; got .*(<NA>|nan)"):
            call()


def test_nothing_given_is_written_to():
    y, raw, weight = np.array([0.0, 1.0, 2.0]), np.eye(3), np.array([1.0, 2.0, 3.0])
    before = [array.copy() for array in (y, raw, weight)]
    for array in (y, raw, weight):
        array.flags.writeable = False
    loss = MulticlassFocalLoss(3, (1, 2, 3), (1, 2, 3))
    loss.loss(y, raw, weight), loss.gradient_hessian(y, raw, weight), loss(y, raw, weight)
    loss.fit_intercept_only(y, weight), loss.predict_proba(raw), loss.predict_log_proba(raw, calibrated=False)
    for array, was in zip((y, raw, weight), before, strict=True):
        assert_array_equal(array, was)
