"""`python -m fuse_engine.cli`: the command line where the script is not on the path."""

import sys

from fuse_engine.cli.program import main

sys.exit(main())
