"""The entry point of ``focal-boost`` and ``python -m focal_boost``."""

import sys


def main() -> None:
    """Run the command line, or name the packages to install if one is missing."""
    if sys.argv[1:2] == ["compare"]:  # the imports take seconds, the first time after an installation many
        print("focal-boost compare: loading", file=sys.stderr, flush=True)
    try:
        from focal_boost.comparison.command import app
    except ImportError as error:
        sys.exit(f"focal-boost needs {error.name}: pip install typer rich skrub")
    app(prog_name="focal-boost")


if __name__ == "__main__":
    main()
