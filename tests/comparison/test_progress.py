from focal_boost.comparison._progress import bar


def test_a_terminal_shows_the_models_done_and_the_remaining_time(monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes rich treat any stream as a terminal
    monkeypatch.setenv("COLUMNS", "100")
    with bar(3) as advance:
        advance(2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "2/3" in err
    assert "elapsed," in err
    assert "remaining" in err


def test_a_file_gets_no_bar(monkeypatch, capfd):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    with bar(3) as advance:
        advance(3)
    assert [text.strip() for text in capfd.readouterr()] == ["", ""]  # older versions of rich print an empty line
