"""No kernel races in shared memory or touches memory that is not its own, says the validation
layer: races.py RACE-PROGRAM CHECK-KERNELS. First the layer has to find the race that is planted in
the one program, and nothing where the barriers are in place."""
import os
import subprocess
import sys

VK = [os.path.join(os.environ['TAWNY_SOURCE'], 'tools', 'vk'), '--lavapipe', '--validate']


def validated(*command):
    """(exit code, what was said)."""
    done = subprocess.run([*VK, *command], capture_output=True, text=True, errors='replace',
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    race, kernels = sys.argv[1:]
    code, said = validated(race, 'right')
    assert code == 0, f'{code} where there is no race:\n{said}'
    code, said = validated(race)
    assert code != 0 and 'SharedMemoryDataRace' in said, f'the planted race is not found:\n{said}'
    code, said = validated(kernels, '--cases', '1', '--types', 'f32,q8_0', '--quiet')
    print(said[-8000:])
    assert code == 0, f'check_kernels under validation ended with {code}'


main()
