"""Reads tokens, one a line, and prints what the recipe says of each."""

import json
import sys

from recipe import authenticate

for line in sys.stdin:
    print(json.dumps(authenticate(line.strip())))
