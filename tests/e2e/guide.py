#!/usr/bin/env python3
"""Asks the model that ships with tawny the 200 questions that its training never saw.

    guide.py TAWNY [QUESTIONS.jsonl] [--show]

One run of tawny answers all of them, greedily, through tools/vk --test (the software device, or the
GPU with TAWNY_TEST_GPU=1). At least 95 % must name the right command. --show prints every wrong
answer.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(ROOT, 'share', 'tawny-guide-q8_0.gguf')
HELD_OUT = os.path.join(ROOT, 'training', 'guide', 'heldout.jsonl')
NEEDED = 0.95
LONGEST = 80  # tokens; the longest answer that was taught has about 60


def ask(tawny, questions):
    """The answers to a list of questions."""
    with tempfile.NamedTemporaryFile('w', suffix='.txt', encoding='utf-8') as f:
        f.write('\n'.join(questions) + '\n')
        f.flush()
        done = subprocess.run(
            [os.path.join(ROOT, 'tools', 'vk'), '--test', tawny, 'run', MODEL, '-f', f.name,
             '--lines', '--temp', '0', '-n', str(LONGEST), '--json', '-q'],
            stdout=subprocess.PIPE, check=False, encoding='utf-8', timeout=500)
    if done.returncode:
        sys.exit('tawny run ended with %d' % done.returncode)
    return [json.loads(line)['text'].strip() for line in done.stdout.splitlines()]


def main():
    arguments = [a for a in sys.argv[1:] if a != '--show']
    with open(arguments[1] if len(arguments) > 1 else HELD_OUT, encoding='utf-8') as f:
        items = [json.loads(line) for line in f]
    begin = time.monotonic()
    answers = ask(arguments[0], [x['question'] for x in items])
    seconds = time.monotonic() - begin
    if len(answers) != len(items):
        sys.exit('%d answers to %d questions' % (len(answers), len(items)))
    wrong = [(x, a) for x, a in zip(items, answers) if x['expect'] not in a]
    if '--show' in sys.argv:
        for x, a in wrong:
            print('%s\n    wanted %s\n    got    %s' % (x['question'], x['expect'], a))
    right = len(items) - len(wrong)
    print('%d of %d right (%.1f %%) in %.0f s; %.0f %% needed' % (
        right, len(items), 100 * right / len(items), seconds, 100 * NEEDED))
    return 0 if right >= NEEDED * len(items) else 1


if __name__ == '__main__':
    sys.exit(main())
