#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The netlink specification, against the kernel's schema and our header.

What the header says is asked of the compiler: the names and values of enums
from its debugging information, those of macros by printing them. Needs no
module. Prints KTAP.
"""

import functools
import os
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

TOP = os.environ.get("TAPKEEP_TOP") or os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "../..")
SOURCE = os.environ.get("TAPKEEP_LINUX_SOURCE") or subprocess.run(
    [os.path.join(TOP, "scripts/fetch"), "linux-source", "6.12"],
    stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
SPEC = os.path.join(TOP, "Documentation/netlink/specs/tapkeep.yaml")
SCHEMA = os.path.join(SOURCE, "Documentation/netlink/genetlink.yaml")
HEADER = os.path.join(TOP, "include/uapi/linux/tapkeep.h")
IF_TUN = os.path.join(SOURCE, "include/uapi/linux/if_tun.h")
BOUND_S = 60

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, "tools/net/ynl"))
sys.path.insert(0, os.path.join(TOP, "tests/swap"))
import ktap  # noqa: E402
from lib import SpecFamily  # noqa: E402

# Definitions whose names in C do not begin with the family's name and theirs:
# the protocol "genetlink" cannot say so.
C_PREFIX = {"keep-state": "TAPKEEP_", "tun-f": "TUN_F_"}
# What the header has for the ioctls, besides their numbers.
IOCTL_ENUMS = {"tapkeep_role"}
IOCTL_MACROS = {"TAPKEEP_IOC_TYPE", "TAPKEEP_CLAIM_FORCE"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def c_upper(text):
    return text.upper().replace("-", "_")


# The header, as the compiler sees it.

def cc(*args, text=""):
    return subprocess.run(["cc", "-x", "c", *args, "-"], input=text,
                          stdout=subprocess.PIPE, encoding="utf-8",
                          timeout=BOUND_S, check=True).stdout


def enums_of(header):
    """{name: {member: value}}"""
    with tempfile.NamedTemporaryFile(suffix=".o") as out:
        cc("-c", "-g", "-fno-eliminate-unused-debug-types", "-o", out.name,
           text=f'#include "{header}"\n')
        info = subprocess.run(
            ["readelf", "--wide", "--debug-dump=info", out.name],
            stdout=subprocess.PIPE, encoding="utf-8", timeout=BOUND_S,
            check=True, env={**os.environ, "LC_ALL": "C"}).stdout
    enums, tag, name, members = {}, None, None, {}
    for line in info.splitlines():
        if (match := re.search(r"\((DW_TAG_\w+)\)$", line)):
            tag, name = match[1], None
        elif (match := re.search(r"DW_AT_name\s*:.*?(\w+)\s*$", line)):
            name = match[1]
            if tag == "DW_TAG_enumeration_type":
                members = enums[name] = {}
        elif tag == "DW_TAG_enumerator" and "DW_AT_const_value" in line:
            # Before the value there may be its form, in brackets.
            members[name] = int(line.split()[-1])
    return {name: members for name, members in enums.items()
            if name.startswith("tapkeep_")}


def macros_of(header, prefix):
    """{name: text} of those without arguments that the header defines."""
    macros = {}
    for line in cc("-E", "-dM", text=f'#include "{header}"\n').splitlines():
        _, name, *text = line.split(" ", 2)
        if name.startswith(prefix) and "(" not in name:
            macros[name] = text[0] if text else ""
    return macros


def values_of(header, numbers, strings=()):
    """{name: value}, by a program that prints them."""
    lines = [f'printf("{name} %llu\\n", (unsigned long long)({name}));'
             for name in numbers]
    lines += [f'printf("{name} %s\\n", {name});' for name in strings]
    with tempfile.TemporaryDirectory() as scratch:
        program = os.path.join(scratch, "print")
        cc("-Wall", "-Werror", "-o", program,
           text=f'#include <stdio.h>\n#include "{header}"\n'
                "int main(void)\n{\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
        printed = subprocess.run([program], stdout=subprocess.PIPE,
                                 encoding="utf-8", timeout=BOUND_S,
                                 check=True).stdout
    values = dict(line.split(" ", 1) for line in printed.splitlines())
    return {name: values[name] if name in strings else int(values[name])
            for name in values}


# The specification, as the kernel's own reader understands it.

class Spec:
    """The names and values that the specification means, in C."""

    def __init__(self):
        # Whether it is valid is a test.
        self.family = SpecFamily(SPEC, "")
        self.enums, self.flags, self.consts = {}, {}, {}
        for name, entry in self.family.consts.items():
            prefix = C_PREFIX.get(name, f"TAPKEEP_{c_upper(name)}_")
            if entry["type"] == "const":
                self.consts[f"TAPKEEP_{c_upper(name)}"] = entry["value"]
                continue
            values = {prefix + c_upper(member.name): member.user_value()
                      for member in entry.entries.values()}
            if entry["type"] == "enum":
                self.enums["tapkeep_" + entry.ident_name] = values
            else:
                self.flags[name] = values
        for attrs in self.family.attr_sets.values():
            self.add_enum(attrs.yaml, attrs.attrs.values())
        self.add_enum(self.family["operations"], self.family.msgs.values())

    def add_enum(self, entry, members):
        self.enums[entry["enum-name"].replace("-", "_")] = {
            c_upper(entry["name-prefix"] + member.name): member.value
            for member in members}


# The tests.

def test_it_is_valid(_):
    spec, schema = read(SPEC), read(SCHEMA)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(spec, schema)
    assert spec["protocol"] == "genetlink"
    header = os.path.join(TOP, "include/uapi", spec["uapi-header"])
    assert os.path.samefile(header, HEADER), header


def test_what_it_refers_to_is_there(spec):
    """The schema does not say so."""
    family = spec.family
    for name, attrs in family.attr_sets.items():
        for attr in attrs.attrs.values():
            if attr.type == "nest":
                assert attr["nested-attributes"] in family.attr_sets, attr.name
            if "enum" in attr:
                assert family.consts[attr["enum"]]["type"] != "const", attr.name
            limit = str(attr.get("checks", {}).get("max-len", 0))
            limit = limit.removesuffix(" - 1")
            assert limit.isdigit() or limit in family.consts, (name, attr.name)
    for op in family.msgs.values():
        if "mcgrp" in op:
            assert op["mcgrp"] in family.mcast_groups, op.name


def test_no_message_lacks_an_attribute(spec):
    """Events have them all, replies all that is not of an event."""
    family = spec.family
    keep = [attr.name for attr in family.attr_sets["keep"].attrs.values()
            if attr.type not in ("unused", "pad")]
    event = family.msgs["ntf"]["event"]["attributes"]
    assert sorted(event) == sorted(keep), set(event) ^ set(keep)
    for name in ("event", "reason", "actor-pid", "actor-uid"):
        keep.remove(name)
    for mode in ("do", "dump"):
        assert family.msgs["get"][mode]["reply"]["attributes"] == keep, mode
    for name, attributes in (("get", ["name"]),
                             ("release", ["name", "generation"]),
                             ("set", ["name", "generation", "lease",
                                      "hold-limit"])):
        assert family.msgs[name]["do"]["request"]["attributes"] == attributes


def test_everything_is_described(spec):
    family = spec.family
    for attrs in family.attr_sets.values():
        for attr in attrs.attrs.values():
            assert "doc" in attr or attr.type in ("unused", "pad"), attr.name
    for name, entry in family.consts.items():
        assert entry.get("doc"), name
        if entry["type"] != "const":
            for member in entry.entries.values():
                assert member.has_doc(), f"{name}: {member.name}"


def test_enums_are_the_headers(spec):
    """Each with the same members and values, those of netlink and no others."""
    enums = enums_of(HEADER)
    assert IOCTL_ENUMS < set(enums), set(enums)
    netlink = set(enums) - IOCTL_ENUMS
    assert netlink == set(spec.enums), netlink ^ set(spec.enums)
    for name in netlink:
        ours = dict(spec.enums[name])
        for member in enums[name]:
            if member.endswith("_MAX") and member not in ours:
                ours[member] = max(spec.enums[name].values()) \
                    + member.startswith("__")
        assert enums[name] == ours, \
            f"{name}: {sorted(set(enums[name].items()) ^ set(ours.items()))}"


def test_constants_and_flags_are_the_headers(spec):
    macros = macros_of(HEADER, "TAPKEEP_")
    ioctls = {name for name, text in macros.items() if text.startswith("_IO")}
    names = set(macros) - ioctls - IOCTL_MACROS
    strings = {name for name in names if macros[name].startswith('"')}
    expected = {
        **spec.consts, **spec.flags["state"], **spec.flags["queue"],
        "TAPKEEP_GENL_NAME": spec.family["name"],
        # The only one that the protocol "genetlink" has.
        "TAPKEEP_GENL_VERSION": 1,
        **{f"TAPKEEP_GENL_MCGRP_{c_upper(name)}": name
           for name in spec.family.mcast_groups},
    }
    values = values_of(HEADER, names - strings, strings)
    assert values == expected, \
        sorted(set(values.items()) ^ set(expected.items()))


def test_offloads_are_those_of_tun(spec):
    expected = spec.flags["tun-f"]
    names = macros_of(IF_TUN, "TUN_F_")
    values = values_of(IF_TUN, names)
    assert values == expected, \
        sorted(set(values.items()) ^ set(expected.items()))


def main():
    spec = Spec()
    ktap.main([(name.removeprefix("test_"), functools.partial(value, spec))
               for name, value in globals().items()
               if name.startswith("test_")])


if __name__ == "__main__":
    main()
