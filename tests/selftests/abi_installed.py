#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The libraries as "make install" leaves them, and a program that uses them.

Needs no module. Prints KTAP.
"""

import contextlib
import functools
import glob
import os
import re
import subprocess
import sys
import tempfile

TOP = os.environ.get("TAPKEEP_TOP") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../..")
ABI = os.path.join(TOP, "tests/abi")
BOUND_S = 120
# As a distribution has them: not where the defaults are.
PREFIX, LIBDIR = "/usr", "/usr/lib/some-arch"

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests/swap"))
import ktap  # noqa: E402

HEADERS = {"tapkeep": ["tapkeep.h", "tapkeep-netlink.h"],
           "tapkeep-vmm": ["tapkeep-vmm.h"]}
MAPS = {"tapkeep": "user/libtapkeep/tapkeep.map",
        "tapkeep-vmm": "user/vmm-glue/tapkeep-vmm.map"}
EXPECTED = [
    "include/tapkeep/linux/tapkeep.h", "include/tapkeep/tapkeep.h",
    "include/tapkeep/tapkeep-netlink.h", "include/tapkeep/tapkeep-vmm.h",
    *(f"lib/some-arch/{name}" for lib in MAPS for name in (
        f"lib{lib}.a", f"lib{lib}.so", f"lib{lib}.so.0", f"lib{lib}.so.0.0.1",
        f"pkgconfig/{lib}.pc")),
    "sbin/tapkeep", "share/bash-completion/completions/tapkeep",
    "share/man/man8/tapkeep.8"]


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          timeout=BOUND_S, check=False, **options)
    ktap.check(done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}")
    return done.stdout


def make_install(*variables):
    # As a user calls it: without what a make around this one hands down.
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL")}
    run("make", "-s", "-C", TOP, "install", *variables, env=env)


class Installed:
    """A tree that was staged with DESTDIR, as a package is built."""

    def __init__(self, directory):
        self.root = directory
        self.lib = f"{directory}{LIBDIR}"
        make_install(f"DESTDIR={directory}", f"PREFIX={PREFIX}",
                     f"LIBDIR={LIBDIR}")

    def pkg_config(self, *args):
        """What it says about the tree, or the machine's own libraries."""
        env = {**os.environ, "PKG_CONFIG_PATH": f"{self.lib}/pkgconfig"}
        words = run("pkg-config", *args, env=env).split()
        return [re.sub(rf"^(-[IL])({PREFIX}/include/tapkeep|{LIBDIR})$",
                       rf"\g<1>{self.root}\g<2>", word) for word in words]

    def symbols(self, lib):
        """{name: version} that the shared object exports."""
        out = run("nm", "-D", "--defined-only", "--with-symbol-versions",
                  f"{self.lib}/lib{lib}.so")
        names = (line.split()[-1].partition("@@") for line in
                 out.splitlines() if line.split()[1] != "A")
        return {name: version for name, _, version in names}

    def dynamic(self, path, tag):
        out = run("readelf", "--wide", "-d", path,
                  env={**os.environ, "LC_ALL": "C"})
        return re.findall(rf"\({tag}\).*\[(.*)\]", out)

    @contextlib.contextmanager
    def program(self, lib, *link):
        """A program that was compiled and linked as pkg-config says."""
        flags = self.pkg_config("--cflags", lib)
        if lib == "tapkeep-vmm":
            flags.append("-DWITH_VMM")
        with tempfile.NamedTemporaryFile(delete=False) as file:
            path = file.name
        try:
            run("cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                "-D_GNU_SOURCE", *flags, "-o", path,
                os.path.join(ABI, "program.c"), *link)
            yield path
        finally:
            os.unlink(path)


def symbols_of_map(lib):
    """{name: version} as the map says."""
    with open(os.path.join(TOP, MAPS[lib]), encoding="utf-8") as file:
        text = re.sub(r"#.*", "", file.read())
    return {name: version
            for version, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text,
                                            re.DOTALL)
            for name in re.findall(r"(\w+);", body)}


def functions_of(path):
    """What a header declares."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    return set(re.findall(r"^\w[\w *]*?\b(tapkeep_\w+)\s*\(", text,
                          re.MULTILINE))


def test_every_file_is_in_its_place(tree):
    found = [os.path.relpath(os.path.join(path, name), tree.root + PREFIX)
             for path, _, names in os.walk(tree.root) for name in names]
    ktap.check(sorted(found) == sorted(EXPECTED),
               f"differ: {set(found) ^ set(EXPECTED)}")


def test_nothing_names_the_tree_or_where_it_was_staged(tree):
    for lib in MAPS:
        with open(f"{tree.lib}/pkgconfig/{lib}.pc", encoding="utf-8") as file:
            text = file.read()
        ktap.check(tree.root not in text and TOP not in text, text)


def test_exported_symbols_are_those_of_the_map(tree):
    for lib in MAPS:
        exported, mapped = tree.symbols(lib), symbols_of_map(lib)
        ktap.check(exported and exported == mapped,
                   f"{lib}: {set(exported.items()) ^ set(mapped.items())}")


def test_exported_symbols_are_those_of_the_headers(tree):
    for lib, headers in HEADERS.items():
        declared = set().union(*(
            functions_of(f"{tree.root}{PREFIX}/include/tapkeep/{name}")
            for name in headers))
        exported = set(tree.symbols(lib))
        ktap.check(exported == declared, f"{lib}: {exported ^ declared}")


def test_the_structures_are_as_programs_know_them(tree):
    run("cc", "-c", "-o", "/dev/null",
        *tree.pkg_config("--cflags", "tapkeep", "tapkeep-vmm"),
        os.path.join(ABI, "layout.c"))


def test_each_header_stands_alone(tree):
    flags = tree.pkg_config("--cflags", "tapkeep-vmm")
    for name in (*HEADERS["tapkeep"], *HEADERS["tapkeep-vmm"]):
        run("cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            "-fsyntax-only", *flags, "-include", name, "-x", "c", "/dev/null")


def test_sonames_and_what_a_vmm_needs(tree):
    for lib in MAPS:
        path = f"{tree.lib}/lib{lib}.so"
        soname = tree.dynamic(path, "SONAME")
        ktap.check(soname == [f"lib{lib}.so.0"], soname)
    needed = tree.dynamic(f"{tree.lib}/libtapkeep-vmm.so", "NEEDED")
    ktap.check(needed == ["libc.so.6"], needed)


def linked_shared(tree, lib):
    with tree.program(lib, *tree.pkg_config("--libs", lib)) as path:
        needed = tree.dynamic(path, "NEEDED")
        ktap.check(f"lib{lib}.so.0" in needed, needed)
        ktap.check(not any(name.startswith("libnl") for name in needed),
                   needed)
        run(path, env={**os.environ, "LD_LIBRARY_PATH": tree.lib})


def linked_static(tree, lib):
    libs = tree.pkg_config("--static", "--libs", lib)
    with tree.program(lib, "-static", *libs) as path:
        ktap.check(not tree.dynamic(path, "NEEDED"), "it is not static")
        run(path)


def test_libtapkeep_linked_shared(tree):
    linked_shared(tree, "tapkeep")


def test_libtapkeep_linked_static(tree):
    linked_static(tree, "tapkeep")


def test_libtapkeep_vmm_linked_shared(tree):
    linked_shared(tree, "tapkeep-vmm")


def test_libtapkeep_vmm_linked_static(tree):
    linked_static(tree, "tapkeep-vmm")


def links_the_archive(tree, pkg_config_path):
    env = {**os.environ, "PKG_CONFIG_PATH": pkg_config_path}
    flags = run("pkg-config", "--cflags", "--libs", "tapkeep-vmm",
                env=env).split()
    with tree.program("tapkeep-vmm", *flags) as path:
        needed = tree.dynamic(path, "NEEDED")
        ktap.check(needed == ["libc.so.6"], needed)
        run(path)


def test_the_tree_that_builds_links_the_archive(tree):
    build = os.environ.get("TAPKEEP_BUILD") or os.path.join(TOP, "build")
    links_the_archive(tree, os.path.join(build, "user"))


def test_archives_can_be_installed_alone(tree):
    """What the QEMU of "make qemu" is built with."""
    with tempfile.TemporaryDirectory(prefix="tapkeep-abi-") as prefix:
        make_install(f"PREFIX={prefix}", "SHARED=no")
        ktap.check(not glob.glob(f"{prefix}/lib/*.so*"), "a shared object")
        links_the_archive(tree, f"{prefix}/lib/pkgconfig")


def main():
    with tempfile.TemporaryDirectory(prefix="tapkeep-abi-") as directory:
        try:
            tree = Installed(directory)
        except ktap.Failure as err:
            print(f"Bail out! {err}")
            sys.exit(1)
        ktap.main([(name.removeprefix("test_"), functools.partial(value, tree))
                   for name, value in globals().items()
                   if name.startswith("test_")])


if __name__ == "__main__":
    main()
