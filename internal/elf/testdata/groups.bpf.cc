// SPDX-License-Identifier: MIT
// Inline functions of C++ are in groups of sections: code, relocations and, by
// way of -gdwarf-4 -fdebug-types-section, DWARF.
int counter;

struct point {
	int x, y;
};

inline __attribute__((noinline)) int twice(int x)
{
	return x * 2 + counter;
}

extern "C" __attribute__((section("socket"))) int filter(point *p)
{
	return twice(p->x) + twice(p->y);
}
