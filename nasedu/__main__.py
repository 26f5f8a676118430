"""``python -m nasedu``: the command line."""

import sys

from nasedu.cli import main

if __name__ == "__main__":
    sys.exit(main())
