# SPDX-License-Identifier: GPL-2.0-or-later
"""Write an initramfs: a cpio archive with programs and kernel modules.

Nothing of the machine but the content goes into the archive, so that the
same input gives the same bytes, and no root is needed to have device nodes.
"""

import lzma
import os
import re
import shutil
import stat
import subprocess


class InitramfsError(Exception):
    """Something that the user can read and act on."""


class Modules:
    """The modules of one kernel, with what each depends on."""

    def __init__(self, kernel_dir, kver):
        self.dir = os.path.join(kernel_dir, "lib/modules", kver)
        self.path = {}
        self.needs = {}
        with open(os.path.join(self.dir, "modules.dep"),
                  encoding="utf-8") as file:
            for line in file:
                path, _, needs = line.partition(":")
                name = self.name(path)
                self.path[name] = path
                self.needs[name] = [self.name(need) for need in needs.split()]
        with open(os.path.join(self.dir, "modules.builtin"),
                  encoding="utf-8") as file:
            self.builtin = {self.name(line.strip()) for line in file}

    @staticmethod
    def name(path):
        return os.path.basename(path).partition(".ko")[0].replace("-", "_")

    def in_order(self, wanted):
        """@wanted and what they need, each after what it needs."""
        order = []

        def add(name):
            if name in order or name in self.builtin:
                return
            if name not in self.path:
                raise InitramfsError(f"the kernel has no module {name}")
            for need in reversed(self.needs[name]):
                add(need)
            order.append(name)

        for name in wanted:
            add(name.replace("-", "_"))
        return order

    def read(self, name):
        """The module as insmod wants it, uncompressed."""
        path = os.path.join(self.dir, self.path[name])
        with open(path, "rb") as file:
            data = file.read()
        if path.endswith(".xz"):
            return lzma.decompress(data)
        if path.endswith(".ko"):
            return data
        raise InitramfsError(f"{path}: unknown compression")


class Cpio:
    """A cpio archive of the "newc" format in the making."""

    def __init__(self):
        self.parts = []
        self.names = set()
        self.inode = 0

    def _add(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        header = "070701" + "".join(f"{value:08x}" for value in (
            self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev,
            len(encoded), 0))
        for part in (header.encode() + encoded, data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def _parents(self, name):
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self.directory(parent)

    def directory(self, name):
        self._parents(name)
        if name not in self.names:
            self.names.add(name)
            self._add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        self._parents(name)
        self.names.add(name)
        self._add(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        with open(path, "rb") as file:
            self.file(name, file.read())

    def symlink(self, name, target):
        self._parents(name)
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        self._parents(name)
        self._add(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def program(self, name):
        """One of the machine's, with the libraries that it needs."""
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if not path:
            raise InitramfsError(f"{name} is missing: run 'make deps'")
        self.copy(f"bin/{name}", path)
        needed = subprocess.run(["ldd", path], stdout=subprocess.PIPE,
                                text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", needed):
            if library.lstrip("/") not in self.names:
                self.copy(library.lstrip("/"), library)

    def modules(self, modules, wanted, listed="order"):
        """@wanted under lib/modules, and a list to insmod them from."""
        order = [name for name in modules.in_order(wanted)
                 if f"lib/modules/{name}.ko" not in self.names]
        for name in order:
            self.file(f"lib/modules/{name}.ko", modules.read(name), 0o644)
        self.file(f"lib/modules/{listed}",
                  "".join(f"{name}\n" for name in order).encode(), 0o644)

    def busybox(self, applets):
        path = static_busybox()
        self.copy("bin/busybox", path)
        for applet in applets:
            self.symlink(f"bin/{applet}", "busybox")

    def write(self, path):
        """All of it, atomically: a reader has the old one or the new one."""
        self._add("TRAILER!!!", 0)
        tmp = f"{path}.{os.getpid()}"
        with open(tmp, "wb") as file:
            file.writelines(self.parts)
        os.replace(tmp, path)


def static_busybox():
    for path in ("/usr/bin/busybox", "/bin/busybox"):
        if not os.path.exists(path):
            continue
        done = subprocess.run(["ldd", path], capture_output=True, check=False)
        if done.returncode:	# "not a dynamic executable"
            return path
    raise InitramfsError("no static busybox: install busybox-static "
                         "('make deps' does)")
