"""The program ``wfkit``: ``wfkit --help``, or ``python -m wfkit --help``."""

import signal
import sys
from typing import NoReturn

from wfkit import _wfkit


def main() -> NoReturn:
    """Runs the command line, and exits with its status: 0, 1 after an error, 2 where the command line is wrong."""
    # Ctrl-C ends the program at once, or goes to what a command has set for it: Python would wait for the command.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_wfkit.run(["wfkit", *sys.argv[1:]], _wfkit.__file__))


if __name__ == "__main__":
    main()
