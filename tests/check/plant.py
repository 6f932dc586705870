#!/usr/bin/env python3
"""Compiles a shader with a fault of mutant_table.HISTORICAL planted in it, as a list of words:
plant.py GLSLC KERNELS BUILT-KERNELS NAME OUTPUT."""
import os
import shutil
import subprocess
import sys
import tempfile

from mutant_table import HISTORICAL


def main():
    glslc, kernels, built, name, output = sys.argv[1:]
    module, path, old, new = HISTORICAL[name]
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, 'kernels')
        shutil.copytree(kernels, copy)
        with open(os.path.join(copy, path), encoding='utf-8') as f:
            text = f.read()
        if text.count(old) != 1:
            sys.exit(f'{path} has {text.count(old)} times: {old}')
        with open(os.path.join(copy, path), 'w', encoding='utf-8') as f:
            f.write(text.replace(old, new))
        search = [copy, os.path.join(copy, 'lib'), os.path.join(copy, 'quant'),
                  os.path.dirname(kernels), built]
        subprocess.run([glslc, '-O', '--target-env=vulkan1.3', '-std=460', '-mfmt=c',
                        *('-I' + x for x in search), '-o', output,
                        os.path.join(copy, module + '.comp')], check=True)


main()
