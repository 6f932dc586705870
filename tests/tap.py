"""What tests of whole programs share: TAP lines, a folder, and tawny's environment."""
import os


class Test:
    def __init__(self, folder):
        self.folder = folder
        cache = os.path.join(os.environ.get("TAWNY_BUILD", folder), "tests/cache")
        self.env = dict(os.environ, XDG_CACHE_HOME=cache)
        os.makedirs(cache, exist_ok=True)
        self.n = self.failed = 0

    def check(self, good, what):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {what}", flush=True)

    def path(self, name):
        return os.path.join(self.folder, name)
