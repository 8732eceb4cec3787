"""PATH...: removes each with Python's shutil."""

import shutil
import sys

for path in sys.argv[1:]:
    shutil.rmtree(path)
