"""The mel filters that a folder gets are those of transformers, of openai-whisper where its file is
at hand, and of the formula: filters.py TENSOR. Prints TAP; status 77: no numpy."""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("1..0 # SKIP needs python3-numpy")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../golden")]
from folder_writer import hugging_face, safetensors  # noqa: E402
from small_speech import filters  # noqa: E402

LIMIT = 1e-8  # the largest filters reach 0.026
OPENAI = os.path.join(HERE, "../../../shared/data/whisper/mel_filters.npz")


def made(program, mels):
    with tempfile.TemporaryDirectory() as folder:
        model = safetensors({"a": ("F32", [1])})
        for name, content in hugging_face({"num_mel_bins": mels}, model=model).items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)
        done = subprocess.run([program, folder, "mel_filters"], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, "<f4").reshape(mels, 201)


def main():
    n = failed = 0
    whose = {"transformers": np.load(os.path.join(HERE, "../golden/folders/filters.npz"))}
    if os.path.exists(OPENAI):
        whose["openai-whisper"] = np.load(OPENAI)
    for mels in (80, 128):
        got = made(sys.argv[1], mels)
        for name, want in [*((k, v[f"mel_{mels}"]) for k, v in whose.items()),
                           ("formula", filters(mels))]:
            far = np.abs(got - want).max()
            n += 1
            good = got.shape == want.shape and far <= LIMIT and got.max() > 0.01
            failed += not good
            print(f"{'ok' if good else 'not ok'} {n} - {mels} filters of {name}: {far:.1e} apart, "
                  f"{np.mean(got == want):.1%} the same bits")
    print(f"1..{n}")
    sys.exit(failed > 0)


main()
