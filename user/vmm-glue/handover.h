/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TAPKEEP_VMM_HANDOVER_H
#define TAPKEEP_VMM_HANDOVER_H

#include "tapkeep-vmm.h"

/* Magic, version and length: enough to know how much more there is to read. */
#define TAPKEEP_HANDOVER_PREFIX	16
/* Room for a later version's hand-over, so that it can be named as such. */
#define TAPKEEP_HANDOVER_MAX	65536

/* @buf has TAPKEEP_HANDOVER_PREFIX bytes; EBADMSG, or 0 and the @length. */
int tapkeep_handover_length(const void *buf, size_t *length,
			    struct tapkeep_vmm_error *err);

#endif /* TAPKEEP_VMM_HANDOVER_H */
