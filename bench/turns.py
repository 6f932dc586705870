"""What compare.py and compare_speech.py share: their options, programs, models and records."""
import argparse
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TAWNY = [os.path.join(ROOT, "tools", "vk"), os.path.join(ROOT, "build", "tawny")]


def options(doc, shapes):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--shapes", default=shapes)
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("--models", default="/tmp", help="where the models are made and kept")
    parser.add_argument("--out", help="also write everything as JSON")
    return parser


def tawny(*args):
    """What `tawny bench` reports."""
    return json.loads(subprocess.run([*TAWNY, "bench", *args, "--json"], check=True,
                                     stdout=subprocess.PIPE).stdout)


def peer(variable, name):
    """The command of a peer: $VARIABLE, else what `tools/setup peers` unpacked."""
    return shlex.split(os.environ.get(variable, os.path.join(ROOT, ".deps", "bin", name)))


def median(samples):
    return sorted(samples)[len(samples) // 2]


def model(args, name, script, *what):
    """The path of a model, which the script makes if it is not there."""
    path = os.path.join(args.models, name)
    if not os.path.exists(path):
        subprocess.run([sys.executable, os.path.join(HERE, script), *what, path], check=True)
    return path


def write(record, args):
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
