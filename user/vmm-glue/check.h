/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TAPKEEP_VMM_CHECK_H
#define TAPKEEP_VMM_CHECK_H

#include "tapkeep-vmm.h"

/*
 * EINVAL, and both values, if @other, which is what @whose says, differs from
 * what the keep has. TAPKEEP_STATE_STOPPED is left out: it is about a process
 * and not about the NIC.
 */
int tapkeep_check_nic(const char *keep_name, const struct tapkeep_nic *keep,
		      const struct tapkeep_nic *other, const char *whose,
		      struct tapkeep_vmm_error *err);

/* Are the @nr descriptors different queues of the keep's interface? */
int tapkeep_check_fds(const struct tapkeep_info *info,
		      const struct tapkeep_nic *nic, const int *fds,
		      uint32_t nr, struct tapkeep_vmm_error *err);

#endif /* TAPKEEP_VMM_CHECK_H */
