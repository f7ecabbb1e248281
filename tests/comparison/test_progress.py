from focal_boost.comparison._progress import progress


def test_a_terminal_shows_a_bar_with_elapsed_and_remaining_time(monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich treat any stream as a terminal
    monkeypatch.setenv("COLUMNS", "100")
    with progress(4, per_fold=2) as advance:
        advance(1)
        advance(2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "3/4" in err
    assert "elapsed," in err
    assert "remaining" in err


def test_other_outputs_get_one_line_per_fold(monkeypatch, capfd):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    with progress(6, per_fold=2) as advance:
        advance(2)  # a stored fold does not enter the estimate
        for _ in range(4):
            advance(1)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"fold {fold}/3: {2 * fold}/6 models, 0:00:00 elapsed, 0:00:00 remaining" for fold in (1, 2, 3)
    ]
