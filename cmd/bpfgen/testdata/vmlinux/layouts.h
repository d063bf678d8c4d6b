#ifndef __VMLINUX_H__
#define __VMLINUX_H__

/* Written by bpfgen vmlinux from BTF. */

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

struct node;

struct undefined;

typedef int (*callback)(const char *const *, ...);

union all;

struct node {
	struct node *next;
	struct undefined *u;
	callback cb;
	int (*table[2])(struct node, union all *);
	const volatile int *const p;
};

struct bits {
	int a : 3;
	char : 5;
	int b : 20;
	long c : 40;
	char d;
	int e;
	int : 32;
	long long : 64;
};

typedef struct {
	int x;
} unnamed;

struct packed {
	char c;
	long l;
	unsigned int b1 : 3;
	unsigned int b2 : 30;
	unnamed u;
} __attribute__((packed));

enum small {
	A = 1,
} __attribute__((mode(QI)));

enum big {
	B = 8589934591ULL,
} __attribute__((mode(DI)));

struct aligned {
	char c;
	enum small s;
	enum big b;
	long long : 64;
	long long : 64;
	long long : 64;
	long long : 64;
	long long : 64;
	long long : 64;
};

typedef unsigned char bytes[3];

enum {
	INSIDE = 0,
};

union all {
	struct node n;
	struct bits b;
	struct {
		int i;
		union {
			char c;
			float f;
		};
	};
	struct packed ps[2];
	struct aligned a[1];
	bytes y;
	__int128 wide;
	double d;
	_Bool t;
	unsigned int in;
};

struct last {
	int n;
	struct {
		char c;
		struct bits *b;
	} *anon;
	char tail[0];
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
