// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User memory to call with: where it ends, where it cannot be written, where
 * there is none, and where others write at the same time.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"

#define PAGE	4096
#define TWO	(2 * PAGE)

uint8_t *memory_hot(void)
{
	uint8_t *hot = mmap(NULL, TWO, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return hot == MAP_FAILED ? NULL : hot;
}

int memory_open(struct arena *arena, uint8_t *hot)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint8_t *all;

	if (fd < 0 || ftruncate(fd, TWO))
		return -1;
	all = mmap(NULL, TWO + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (all == MAP_FAILED)
		return -1;
	arena->pages = mmap(all + PAGE, TWO, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, fd, 0);
	arena->readonly = mmap(NULL, TWO, PROT_READ, MAP_SHARED, fd, 0);
	arena->hot = hot;
	close(fd);
	return arena->pages == MAP_FAILED || arena->readonly == MAP_FAILED ? -1 : 0;
}

static void *nowhere(struct ctx *c)
{
	static const uintptr_t addresses[] = {
		8, ~0UL, ~0UL - 7, 0xffff888000000000UL, 0xffffffff81000000UL,
		0x8000000000000000UL, 0x00007ffffffff000UL, 0x0000800000000000UL,
	};

	return (void *)addresses[below(c, sizeof(addresses) / sizeof(*addresses))];
}

static void *odd_place(struct ctx *c, struct arena *arena, const void *from,
		       size_t size, bool *readable)
{
	uint8_t *end = arena->pages + TWO;
	uint32_t cut;
	uint8_t *at;

	*readable = false;
	switch (below(c, 7)) {
	case 0:
		return nowhere(c);
	case 1:	/* ends before it is complete */
		cut = 1 + below(c, size);
		memcpy(end - (size - cut), from, size - cut);
		return end - (size - cut);
	case 2:
		memcpy(arena->pages, from, size);
		return arena->readonly;
	case 3:	/* not in a page table */
		memcpy(arena->pages, from, size);
		madvise(arena->pages, TWO, MADV_DONTNEED);
		*readable = true;
		return arena->pages;
	case 4:	/* others write there as well */
		at = arena->hot + below(c, TWO - size + 1);
		memcpy(at, from, size);
		return at;
	case 5:	/* across two pages, and not aligned */
		at = arena->pages + PAGE - below(c, size);
		memcpy(at, from, size);
		*readable = true;
		return at;
	default:
		memcpy(end - size, from, size);
		*readable = true;
		return end - size;
	}
}

/*
 * Return: where @size bytes of @from are now, at most a page; and whether what
 * comes out can be read and is to be trusted.
 */
void *memory_place(struct ctx *c, struct arena *arena, const void *from,
		   size_t size, bool odd, bool *readable)
{
	if (odd)
		return odd_place(c, arena, from, size, readable);
	*readable = true;
	memcpy(arena->pages, from, size);
	return arena->pages;
}
