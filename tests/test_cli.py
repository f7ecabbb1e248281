import subprocess
import sys


def test_compare_without_arguments_prints_one_table_with_a_row_for_each_gamma():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from focal_boost._cli import main; main()", "compare"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "80", "OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.count("±") == 4]
    assert rows == ["0", "0.5", "1", "2", "5"]
    assert all(word in done.stdout for word in ("precision", "ROC AUC", "log loss", "Brier"))
