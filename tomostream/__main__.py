"""`python -m tomostream` is the command `tomostream`."""

import sys

from tomostream.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
