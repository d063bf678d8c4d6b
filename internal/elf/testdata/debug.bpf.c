// SPDX-License-Identifier: MIT
// Enough of everything that the ELF layer sees: several code sections, data of
// all kinds, relocations, local and global symbols, DWARF with types.
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))

struct point {
	int x, y;
	struct point *next;
};

struct context {
	u32 length, mark;
};

u64 counter;
static u32 hits SEC(".data") = 3;
const volatile u32 limit = 10;
struct point origin = { 1, 2, &origin };
extern u32 missing __attribute__((weak));

static __attribute__((noinline)) u32 clamp(u32 value)
{
	return value < limit ? value : limit;
}

SEC("socket") int filter(struct context *ctx)
{
	struct point here = { .x = ctx->length };

	counter += clamp(here.x);
	hits++;
	return &missing ? 1 : 0;
}

SEC("?xdp") int verdict(struct context *ctx)
{
	return clamp(ctx->mark) + origin.y;
}

char license_[] SEC("license") = "MIT";
