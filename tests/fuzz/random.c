// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random numbers: one stream for each step of each worker, after SplitMix64
 * (Steele, Lea and Flood, 2014).
 */
#include <string.h>
#include "fuzz.h"

#define GOLDEN 0x9e3779b97f4a7c15ULL

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += GOLDEN;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void rng_start(struct rng *rng, uint64_t seed, uint64_t worker, uint64_t step)
{
	rng->state = seed;
	rng->state = rng_next(rng) ^ worker;
	rng->state = rng_next(rng) ^ step;
	rng_next(rng);
}

uint32_t below(struct ctx *c, uint32_t limit)
{
	return (rng_next(&c->rng) >> 32) * limit >> 32;
}

bool one_in(struct ctx *c, uint32_t n)
{
	return below(c, n) == 0;
}

/* Where mistakes are likely: near a power of two, or anywhere. */
uint64_t odd_number(struct ctx *c)
{
	switch (below(c, 4)) {
	case 0:
		return below(c, 5);
	case 1:
		return (1ULL << below(c, 64)) + below(c, 3) - 1;
	case 2:
		return -(uint64_t)below(c, 130);
	default:
		return rng_next(&c->rng);
	}
}

void fill_random(struct ctx *c, void *to, size_t size)
{
	uint8_t *byte = to;
	uint64_t bits = 0;
	size_t i;

	for (i = 0; i < size; i++, bits >>= 8) {
		if (i % 8 == 0)
			bits = rng_next(&c->rng);
		byte[i] = bits;
	}
}
