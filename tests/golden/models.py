"""Small random models against models.npz: models.py VK TAWNY [NAME...]

Each model runs a sequence in one chunk and token by token, the float32 ones and one quantised one
in many chunks too; each of these must give the logits of transformers, and all of them the same.
The perplexity of a text must be llama.cpp's.
NAME: the models whose names hold one of these; all by default. Prints TAP; status 77: no numpy.
"""
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("1..0 # SKIP needs python3-numpy")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from small_models import MODELS, TEXT  # noqa: E402
from tap import Test  # noqa: E402

GOLDEN = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "models.npz"))
KL = 1e-5          # mean over the rows whose logits are kept, of a model
TOP = 0.995        # of all positions: the most likely token is the same
TOP_ONE = 0.98     # of the positions of one model
# Largest KL between two ways to run the same; matrix units round what goes into them to f16.
SAME = 1e-4 if os.environ.get("TAWNY_TEST_GPU") == "1" else 1e-5
PERPLEXITY = 1e-3  # relative
CHUNKS = {"one chunk": 0, "chunks of 37": 37, "chunks of 5": 5, "token by token": 1}


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def kl(of, than):
    return (np.exp(of) * (of - than)).sum(-1)


def ways(m):
    """Compiling kernels takes most of the time, so what depends on shapes is tried with shapes."""
    if m.type == "Q4_K":
        return CHUNKS
    return ["one chunk", "token by token"] + ["chunks of 37"] * (m.type == "F32")


class Models(Test):
    def __init__(self, vk, tawny, folder):
        super().__init__(folder)  # where compiled kernels are kept: they take longest
        self.run = [vk, "--test", tawny]
        self.positions = self.agreed = 0

    def tawny(self, *args):
        done = subprocess.run([*self.run, *args], capture_output=True, text=True, env=self.env)
        if done.returncode:
            print("# " + done.stderr.strip().replace("\n", "\n# "))
        return done

    def logits(self, m, chunk):
        out = self.path("logits.npy")
        done = self.tawny("eval", self.path("m.gguf"), "--tokens", self.path("tokens"),
                          "--logits", out, "--chunk", str(chunk))
        if done.returncode:
            return None
        logits = np.load(out)
        good = logits.dtype == np.float32 and logits.shape == (len(m.tokens()), m.vocab)
        return logits if good and np.isfinite(logits).all() else None

    def like_transformers(self, m, how, logits):
        logs = log_softmax(logits)
        rows = GOLDEN[m.name + ".rows"].astype(int)
        far = kl(log_softmax(GOLDEN[m.name + ".logits"]), logs[rows]).mean()
        same = logits.argmax(-1) == GOLDEN[m.name + ".top"]
        ids = m.tokens()
        following = logs[np.arange(len(ids) - 1), ids[1:]]
        shift = np.abs(following - GOLDEN[m.name + ".next"]).max()
        self.positions += len(same)
        self.agreed += int(same.sum())
        self.check(far <= KL and same.mean() >= TOP_ONE and shift < 0.1,
                   f"{m.name}, {how}: KL {far:.1e}, top {same.mean():.4f}, next {shift:.1e}")
        return logs

    def model(self, m):
        with open(self.path("m.gguf"), "wb") as f:
            f.write(m.gguf())
        with open(self.path("tokens"), "w") as f:
            f.write(" ".join(map(str, m.tokens())))
        first = None
        for how, chunk in CHUNKS.items():
            if how not in ways(m):
                continue
            logits = self.logits(m, chunk)
            if logits is None:
                self.check(False, f"{m.name}, {how}")
                continue
            logs = self.like_transformers(m, how, logits)
            if first is not None:
                far = np.abs(kl(first, logs)).max()
                self.check(far <= SAME, f"{m.name}, {how}: KL {far:.1e} from one chunk")
            first = logs if first is None else first
        self.perplexity(m)

    def perplexity(self, m):
        done = self.tawny("eval", self.path("m.gguf"), "-f", self.path("text"), "--perplexity",
                          "--ctx", "128")
        found = re.search(r"PPL = ([0-9.]+)", done.stdout)
        want = float(GOLDEN[m.name + ".ppl"])
        got = float(found.group(1)) if found else 0
        self.check(abs(got / want - 1) <= PERPLEXITY,
                   f"{m.name}: perplexity {got}, llama.cpp's is {want}")


def main():
    vk, tawny, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        test = Models(vk, tawny, folder)
        with open(test.path("text"), "w", encoding="utf-8") as f:
            f.write(TEXT)
        for m in MODELS:
            if not names or any(name in m.name for name in names):
                test.model(m)
        test.check(test.positions > 0 and test.agreed >= TOP * test.positions,
                   f"the most likely token agrees in {test.agreed} of {test.positions}")
    print(f"1..{test.n}")
    return 1 if test.failed else 0


sys.exit(main())
