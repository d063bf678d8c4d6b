// SPDX-License-Identifier: MIT
// C types of all shapes, as global variables and in maps: what a generator has
// to find names and layouts for. Programs are called as Go would not like it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE };
enum below { MINUS = -3, ZERO = 0, PLUS = 3 };
enum huge { SMALL = 1, HUGE = 0x8000000000000000ULL };
enum { ANONYMOUS_LIMIT = 64, ANONYMOUS_OTHER }; // only constants

typedef __u32 ipv4;
typedef ipv4 address; // of a typedef

struct inner {
	__u16 port;
	address addr;
};

struct scalars {
	_Bool flag;
	char letter;
	signed char tiny;
	unsigned char octet;
	short s16;
	__u16 u16;
	int s32;
	__u32 u32;
	long long s64;
	__u64 u64;
	enum color color;
	enum below below;
	enum huge huge;
};

struct text {
	char comm[16];
	__u8 mac[6];
	char lines[2][8];
};

struct nested {
	struct inner named;
	struct inner list[3];
	struct { // anonymous: its members are the parent's
		__u32 promoted;
	};
	struct { __u8 x, y; } unnamed_type;
	union {
		__u32 v4;
		__u8 v6[16];
	};
	union { __u64 bits; __u8 raw[8]; } view;
};

struct bits {
	__u32 low : 3;
	__u32 : 5; // padding
	__u32 high : 24;
	__s32 negative : 4;
	__u64 wide : 40;
	__u8 after;
};

struct packed {
	__u8 a;
	__u32 b;
	__u64 c;
} __attribute__((packed));

struct aligned {
	__u8 a;
} __attribute__((aligned(32)));

struct pointers {
	struct pointers *next;
	void *opaque;
	const char *name;
	int (*function)(struct inner *, int);
};

struct flexible {
	__u32 count;
	__u32 items[];
};

struct empty {};
union empty_union {};

struct holder {
	struct empty nothing;
	union empty_union nothing_either;
	__u8 something;
};

union choice {
	__u64 number;
	struct inner inner;
	char text[12];
};

// Names that clash once they are Go's.
struct foo_bar { __u32 type; __u32 func; __u32 _1abc; __u32 Type; };
struct fooBar { __u32 range; };
struct objects { __u32 maps; };

struct scalars scalars;
struct text text;
struct nested nested;
struct bits bits;
struct packed packed;
struct aligned aligned;
struct pointers pointers;
struct flexible flexible;
struct holder holder;
union choice choice;
struct foo_bar foo_bar;
struct fooBar fooBar;
struct objects objects;
address local_address;
__u32 limits[ANONYMOUS_LIMIT];
__u64 matrix[2][3];
__u32 only_anonymous = ANONYMOUS_OTHER;
__int128 very_wide;
double unused_double;

#define __tag(name) __attribute__((btf_decl_tag(name)))
#define __type_tag(name) __attribute__((btf_type_tag(name)))

struct tagged {
	__u32 member __tag("on a member");
	struct inner __type_tag("kernel") *pointer;
} __tag("on a type");

struct tagged tagged __tag("on a variable");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct nested);
	__type(value, union choice);
} by_nested SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct { __u32 a; __u64 b; });
} of_unnamed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, enum color);
} of_enum SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, char[16]);
} of_text SEC(".maps");

__noinline int tagged_argument(int value __tag("on an argument"))
{
	return value + bits.high;
}

SEC("socket") int close(struct __sk_buff *skb) { return tagged_argument(1); }
SEC("socket") int Close(struct __sk_buff *skb) { return 0; }
SEC("socket") int load_and_assign(struct __sk_buff *skb) { return 0; }
SEC("socket") int _private(struct __sk_buff *skb) { return 0; }

char _license[] SEC("license") = "Dual MIT/GPL";
