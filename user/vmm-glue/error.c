// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

int tapkeep_vmm_error_set(struct tapkeep_vmm_error *err, int code,
			  const char *fmt, ...)
{
	va_list args;

	if (err) {
		err->code = code;
		va_start(args, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, args);
		va_end(args);
	}
	return -code;
}
