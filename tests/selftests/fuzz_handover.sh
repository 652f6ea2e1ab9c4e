#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fuzzer of the hand-over, for some seconds, with another seed each time.
# Prints KTAP.

set -u

top=${TAPKEEP_TOP:-$(dirname "$(realpath "$0")")/../..}

echo "KTAP version 1"
echo "1..1"
if output=$("$top/scripts/fuzz-handover" --runs 20000 2>&1); then
	verdict=ok
else
	verdict="not ok"
fi
echo "$output" | sed 's/^/# /'
echo "$verdict 1 nothing that a VMM is sent breaks it"
