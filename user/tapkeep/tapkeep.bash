# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of tapkeep(8) in bash.
# shellcheck shell=bash

# What was typed before the word at the cursor: the command, if there is one,
# and the namespace to ask for names.
_tapkeep_typed()
{
	local i

	command='' netns=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n* | --n*)
			netns=(-netns "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-*)
			;;
		*)
			[[ $command ]] || command=${COMP_WORDS[i]}
			;;
		esac
	done
}

_tapkeep()
{
	local cur=${COMP_WORDS[COMP_CWORD]} words='' command netns

	_tapkeep_typed
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -@(n|-n)*(e|t|n|s) ]]; then
		words=$(ls /run/netns 2>/dev/null)
	elif [[ $cur == -* ]]; then
		words='-json -pretty -statistics -details -oneline -netns
			-color -Version -help'
	elif [[ ! $command ]]; then
		words='show monitor release set help'
	elif [[ show == "$command"* || release == "$command"* ||
		set == "$command"* ]]; then
		words="help $("${COMP_WORDS[0]}" "${netns[@]}" -oneline show \
			2>/dev/null | sed 's/: .*//')"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _tapkeep tapkeep
