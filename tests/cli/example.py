"""examples/generate.c, built with the installed header and pkg-config file alone, and run."""
import os
import shutil
import subprocess
import tempfile

from common import BUILD, ENV, SOURCE, VK, model, run_cases, tawny


def output(*arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **more).stdout


def found(root, name):
    return [os.path.join(d, name) for d, _, files in os.walk(root) if name in files][0]


def test_example():
    with tempfile.TemporaryDirectory() as root:
        output("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        env = dict(ENV, PKG_CONFIG_SYSROOT_DIR=root,
                   PKG_CONFIG_PATH=os.path.dirname(found(root, "tawny.pc")))
        flags = output("pkg-config", "--cflags", "--libs", "tawny", env=env).split()
        program = os.path.join(root, "generate")
        source = os.path.join(SOURCE, "examples", "generate.c")
        output(shutil.which("cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-o", program,
               *flags)
        # tools/vk keeps what LD_LIBRARY_PATH names.
        library = os.path.dirname(found(root, "libtawny.so"))
        env = dict(ENV, LD_LIBRARY_PATH=library)
        done = subprocess.run([*VK, program, model(), "Hello"], capture_output=True, env=env,
                              timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        same = tawny("run", model(), "-p", "Hello", "-n", 48, "--temp", 0)
        assert done.stdout == same.raw, (done.stdout, same.raw)
        done = subprocess.run([*VK, program, "/none.gguf", "Hello"], capture_output=True, env=env,
                              timeout=60, check=False)
        assert done.returncode == 3 and b"/none.gguf" in done.stderr, done


run_cases(globals())
