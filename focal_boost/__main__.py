"""The entry point of ``focal-boost`` and ``python -m focal_boost``."""

import sys


def main() -> None:
    """Run the command line; if a package is missing, exit with the pip command that installs it."""
    if sys.argv[1:2] == ["compare"]:  # importing takes seconds, longer right after an installation
        print("focal-boost compare: loading", file=sys.stderr, flush=True)
    try:
        from focal_boost.comparison.command import app
    except ImportError as error:
        sys.exit(f"focal-boost needs {error.name}: pip install typer rich skrub")
    app(prog_name="focal-boost")


if __name__ == "__main__":
    main()
