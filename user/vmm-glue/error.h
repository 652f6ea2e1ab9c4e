/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TAPKEEP_VMM_ERROR_H
#define TAPKEEP_VMM_ERROR_H

#include "tapkeep-vmm.h"

/* Fill in @err, which may be NULL. Return: -@code. */
__attribute__((format(printf, 3, 4)))
int tapkeep_vmm_error_set(struct tapkeep_vmm_error *err, int code,
			  const char *fmt, ...);

#endif /* TAPKEEP_VMM_ERROR_H */
