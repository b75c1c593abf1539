"""The way in: `hfs` and `python -m hfs_cli`."""

import sys


def main() -> int:
    """Run the command line.

    Returns:
        The exit code (see `hfs_cli.errors`).
    """
    # Answered before anything else is imported: scripts ask it in loops.
    if sys.argv[1:] == ["--version"]:
        from hfs_cli import __version__

        print(f"hfs {__version__}")  # noqa: T201  (standard output is the answer's place)
        return 0
    # Each press of Tab on a name waits for this.
    if sys.argv[1:2] == ["__complete"]:
        from hfs_cli.completion.words import answer

        answer(sys.argv[2:])
        return 0
    try:
        from hfs_cli.cli import run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
