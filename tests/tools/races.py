"""No kernel races in shared memory or touches memory that is not its own, and no access lacks its
barrier, says the validation layer: races.py RACE-PROGRAM CHECK-KERNELS TAWNY.

Under the checks inside shaders and under those of calls and synchronisation: first the layer has to
find what is planted in the one program, and nothing where that is in order; then come cases of all
kernels, of small models too, and a prompt and an answer of the model that ships. (Accesses of
shaders by address are beyond the layer's synchronisation checks: for these, plans prove the absence
of hazards themselves.)"""
import concurrent.futures
import os
import subprocess
import sys

SOURCE = os.environ['TAWNY_SOURCE']
VK = os.path.join(SOURCE, 'tools', 'vk')
MODEL = os.path.join(SOURCE, 'share', 'tawny-guide-q8_0.gguf')


def validated(*command):
    """(exit code, what was said)."""
    done = subprocess.run([VK, '--lavapipe', *command], capture_output=True, text=True,
                          errors='replace', stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout + done.stderr


def planted(option, race, wrong, right, message):
    code, said = validated(option, race, *right)
    assert code == 0, f'{code} where nothing is wrong:\n{said}'
    code, said = validated(option, race, *wrong)
    assert code != 0 and message in said, f'what is planted is not found:\n{said}'


def main():
    race, kernels, tawny = sys.argv[1:]
    planted('--validate', race, [], ['right'], 'SharedMemoryDataRace')
    planted('--validate-api', race, ['copies'], ['copies-right'], 'SYNC-HAZARD-READ-AFTER-WRITE')
    model = [tawny, 'run', MODEL, '-p', 'How do I see which GPUs I have?', '--temp', '0', '-n',
             '10', '-c', '256']
    runs = [['--validate', kernels, '--cases', '1', '--types', 'f32,q8_0', '--quiet'],
            ['--validate', *model],
            ['--validate-api', kernels, '--cases', '1', '--types', 'f32,q8_0', '--quiet'],
            ['--validate-api', *model]]
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for command, (code, said) in zip(runs, pool.map(lambda r: validated(*r), runs)):
            what = ' '.join(map(os.path.basename, command))
            print(said[-8000:], flush=True)
            assert code == 0, f'{what} ended with {code}'


main()
