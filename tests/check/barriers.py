#!/usr/bin/env python3
"""Each barrier of the plans of real and of small models, left out, is reported: barriers.py VK
PROGRAM. See barriers.c; small models are those of tests/golden/small_models.py, one of each
architecture and shape."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cli'))
from common import SOURCE, model, small_models  # noqa: E402

NAMES = sorted({(m.arch, m.heads, m.kv): m.name for m in small_models().MODELS}.values())
VK, PROGRAM = sys.argv[1:3]
paths = [os.path.join(SOURCE, 'share', 'tawny-guide-q8_0.gguf'), *map(model, NAMES)]
done = subprocess.run([VK, '--test', PROGRAM, *paths], stdout=subprocess.PIPE, text=True,
                      check=False)
print('\n'.join('# ' + line for line in done.stdout.splitlines()))
good = done.returncode == 0 and done.stdout.count(' reported\n') == len(paths)
print(f"1..1\n{'ok' if good else 'not ok'} 1 - barriers of {len(paths)} models")
sys.exit(0 if good else 1)
