"""Validates SPIR-V modules with the private validator or the system's: spirv.py FILE.spv..."""
import concurrent.futures
import os
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), '../..')
PRIVATE = os.path.join(SOURCE, '.deps/bin/spirv-val')
VALIDATOR = PRIVATE if os.path.exists(PRIVATE) else 'spirv-val'
FLAGS = ['--target-env', 'vulkan1.3', '--scalar-block-layout']


def faults(path):
    done = subprocess.run([VALIDATOR, *FLAGS, path], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode else ''


def main():
    modules = sys.argv[1:]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, words in zip(modules, pool.map(faults, modules)):
            if words:
                print(f'{path}: {words}')
                failed += 1
    # The validator itself must be able to refuse: a module that is cut short is no module.
    cut = modules[0] + '.cut'
    with open(modules[0], 'rb') as whole, open(cut, 'wb') as part:
        part.write(whole.read()[:-4])
    if not faults(cut):
        print('the validator accepts a module that is cut short')
        failed += 1
    os.remove(cut)
    print(f'{len(modules)} modules, {failed} faults')
    return 1 if failed else 0


sys.exit(main())
