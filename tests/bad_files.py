"""Tables of damaged files and what must be said of each: refused with status 3 and a message that
names the file and holds the given words, within 100 ms and 64 MiB.

    cases = Cases()
    cases.bad("version 9", content, "version", "9")     # content: bytes, or a Gguf
    cases.good("version 3", content)                    # must open: the last good value of a limit
    cases.bad("no header", {"a.json": content, ...})    # a folder of files
    sys.exit(cases.run(program, "--model"))             # tests/formats/open.c
"""

import os
import subprocess
import tempfile

LIMIT_MS, LIMIT_KIB = 100, 64 * 1024


class Case:
    def __init__(self, kind, name, content, words=(), path=None):
        self.kind, self.name, self.words, self.path = kind, name, words, path
        self.content = content.bytes() if hasattr(content, "bytes") else content

    def write(self, path):
        if self.path is None:
            self.path = path
        if isinstance(self.content, dict):
            os.mkdir(self.path)
            for name, content in self.content.items():
                with open(os.path.join(self.path, name), "wb") as out:
                    out.write(content)
        elif self.content is not None:
            with open(self.path, "wb") as out:
                out.write(self.content)

    def faults(self, status, us, kib, message, measured):
        """What is wrong with how it was taken."""
        right = {"good": [0], "bad": [3], "any": [0, 3]}[self.kind]
        if status not in right:
            return ["status %d" % status]
        if status == 0:
            return []
        name = os.path.basename(self.path).split("-0000")[0]
        wrong = ["not in the message: " + w for w in (name, *self.words) if w not in message]
        if measured and us > LIMIT_MS * 1000:
            wrong.append("took %d us" % us)
        if measured and kib > LIMIT_KIB:
            wrong.append("took %d KiB" % kib)
        return wrong


class Cases(list):
    def bad(self, name, content, *words, path=None):
        """`path`: of a file that is there already (content None)."""
        self.append(Case("bad", name, content, words, path))

    def good(self, name, content, path=None):
        self.append(Case("good", name, content, path=path))

    def any(self, name, content):
        """Refused or not: never worse."""
        self.append(Case("any", name, content))

    def run(self, program, *arguments):
        """How many were not taken as they must be; each is printed."""

        def opened(paths):
            return subprocess.run(
                [program, *arguments],
                input="\n".join(paths) + "\n",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=100,
            )

        measured = "asan" not in program  # its shadow memory is not what is measured
        with tempfile.TemporaryDirectory() as folder:
            for i, case in enumerate(self):
                case.write("%s/%d.gguf" % (folder, i))
            done = opened([case.path for case in self])
            lines = done.stdout.splitlines()
            # On a busy machine a file may have had to wait: a slow one is tried again alone.
            for i in range(len(lines)):
                for _ in range(3):
                    if int(lines[i].split("\t")[1]) > LIMIT_MS * 1000:
                        lines[i] = opened([self[i].path]).stdout.rstrip("\n")
        failures = slowest = most = 0
        for case, line in zip(self, lines):
            status, us, kib, message = line.split("\t", 3)
            status, us, kib = int(status), int(us), int(kib)
            wrong = case.faults(status, us, kib, message, measured)
            if status:
                slowest, most = max(slowest, us), max(most, kib)
            if wrong:
                failures += 1
                print("FAIL %s: %s\n     %s" % (case.name, "; ".join(wrong), line))
        if done.returncode or len(lines) != len(self):
            failures += 1
            print(
                "FAIL the program ended with %d at: %s\n%s"
                % (done.returncode, self[min(len(lines), len(self) - 1)].name, done.stderr[-4000:])
            )
        print(
            "%d files, %d failures; the slowest refusal took %.1f ms, the largest %d KiB"
            % (len(self), failures, slowest / 1000, most)
        )
        return failures
