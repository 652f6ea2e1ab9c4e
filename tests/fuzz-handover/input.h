/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzer's bytes mean:
 *
 *	0	kind, modulo INPUT_KINDS
 *	1	options, INPUT_*
 *	2	INPUT_FEW_FILES: how many more descriptors there may be
 *	3	how many pieces the payload is sent in, modulo INPUT_PIECES + 1
 *	4	3 for each of INPUT_PIECES: length, and how many descriptors come
 *		with it
 *	...	the payload
 */
#ifndef INPUT_H
#define INPUT_H

#define INPUT_PIECES	5
#define INPUT_PIECE	3
#define INPUT_HEAD	(4 + INPUT_PIECE * INPUT_PIECES)

enum input_kind {
	INPUT_BYTES,	/* tapkeep_handover_decode() */
	INPUT_SOCKET,	/* tapkeep_handover_recv() */
	INPUT_STATE,	/* tapkeep_handover_decode() of two, and comparing */
	INPUT_NETLINK,	/* tapkeep_keep_parse() */
	INPUT_KINDS
};

#define INPUT_CLOSES		1	/* the sender closes, and else waits */
#define INPUT_FEW_FILES		2
#define INPUT_CREDENTIALS	4

#endif /* INPUT_H */
