"""What `ninja install` puts in place, what the shared library exports, and what it must not hold:
install.py LIBTAWNY.so LIBTAWNY.a. Uses TAWNY_SOURCE and TAWNY_BUILD."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ['TAWNY_SOURCE']
BUILD = os.environ['TAWNY_BUILD']
HEADER = os.path.join(SOURCE, 'include', 'tawny.h')
PROGRAM = r'''
#include <tawny.h>
#include <stdio.h>
int main(void) { return puts(tawny_version()) < 0; }
'''


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def check_exports(shared):
    """The exported names are those that the header declares."""
    exported = {line.split()[-1].split('@')[0] for line in
                output('nm', '-D', '--defined-only', shared).splitlines()}
    if not os.path.exists(HEADER):
        assert not exported, f'exported without a header: {sorted(exported)}'
        return
    with open(HEADER, encoding='utf-8') as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    text = re.sub(r'^\s*#.*(?:\\\n.*)*', '', text, flags=re.M)
    declared = set(re.findall(r'\b(tawny_\w+)\s*\((?=[^;{}]*\)\s*[\w\s()]*;)', text))
    types = set(re.findall(r'\(\s*\*\s*(tawny_\w+)\s*\)', text))
    declared -= types
    assert exported == declared, (f'exported, not declared: {sorted(exported - declared)}; '
                                  f'declared, not exported: {sorted(declared - exported)}')


def check_no_references(static):
    """The library holds nothing of check/: there is no CPU arithmetic to fall back to."""
    members = output('ar', 't', static).split()
    assert members and not [m for m in members if re.match(r'(.*[/.])?check_', m)], members


def find(root, name):
    return [os.path.join(folder, name) for folder, _, files in os.walk(root) if name in files]


def check_install():
    with tempfile.TemporaryDirectory() as root:
        output('meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', root)
        wanted = ['tawny', 'libtawny.so', 'libtawny.a', 'tawny.pc']
        wanted += ['tawny.h'] if os.path.exists(HEADER) else []
        wanted += ['tawny.1'] if os.path.exists(os.path.join(SOURCE, 'doc/tawny.1')) else []
        for name in wanted:
            assert find(root, name), f'{name} is not installed'
        if os.path.exists(os.path.join(SOURCE, 'share/completions/tawny.bash')):
            assert [p for p in find(root, 'tawny') if 'bash-completion' in p], 'no completion'
        program = [p for p in find(root, 'tawny') if p.endswith('/bin/tawny')][0]
        assert re.fullmatch(r'tawny \d+\.\d+\.\d+\S*\n', output(program, '--version'))
        if os.path.exists(HEADER) and 'tawny_version' in open(HEADER, encoding='utf-8').read():
            build_against(root)


def build_against(root):
    """A program that knows only the header and the pkg-config file."""
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
               PKG_CONFIG_PATH=os.path.dirname(find(root, 'tawny.pc')[0]))
    flags = output('pkg-config', '--cflags', '--libs', 'tawny', env=env).split()
    source = os.path.join(root, 'try.c')
    with open(source, 'w', encoding='utf-8') as f:
        f.write(PROGRAM)
    program = os.path.join(root, 'try')
    output(shutil.which('cc'), '-Wall', '-Werror', source, '-o', program, *flags)
    library = os.path.dirname(find(root, 'libtawny.so')[0])
    assert output(program, env=dict(os.environ, LD_LIBRARY_PATH=library)).strip()


def main():
    check_exports(sys.argv[1])
    check_no_references(sys.argv[2])
    check_install()


main()
