//go:build ignore

// Values that Go and C hand each other through every kind of generated type.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED = 1, GREEN, BLUE };
struct point { int x; int y; };

struct shared {
	char name[8];
	enum color color;
	struct point at;
	union {
		__u64 wide;
		struct { __u16 low; __u16 high; };
	};
	union { struct point p; float f; } named;
	unsigned int a : 3, b : 13;
	int c : 9;
	_Bool flag : 1;
	struct __attribute__((packed)) { __u8 pad; __u32 odd; struct point where; } packed;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct shared);
	__uint(max_entries, 1);
} state SEC(".maps");

const volatile __u32 expected_color = RED;
__u64 runs;

static struct shared *get(void)
{
	__u32 zero = 0;
	runs++;
	return bpf_map_lookup_elem(&state, &zero);
}

SEC("socket") int write_in_c(struct __sk_buff *skb)
{
	struct shared *s = get();
	if (!s)
		return 1;
	__builtin_memcpy(s->name, "from C", 7);
	s->color = expected_color;
	s->at.x = -1;
	s->at.y = 2;
	s->low = 3;
	s->high = 4;
	s->named.f = 1.5;
	s->a = 5;
	s->b = 4097;
	s->c = -200;
	s->flag = 1;
	s->packed.odd = 0x01020304;
	s->packed.where.y = 7;
	return 0;
}

// Returns the number of the first thing that isn't what main.go wrote.
SEC("socket") int check_in_c(struct __sk_buff *skb)
{
	struct shared *s = get();
	if (!s)
		return 1;
	if (s->name[0] != 'G' || s->name[1] != 'o' || s->name[2])
		return 2;
	if (s->color != BLUE)
		return 3;
	if (s->at.x != 10 || s->at.y != -20)
		return 4;
	if (s->wide != 0x1122334455667788)
		return 5;
	if (s->named.p.x != 8 || s->named.p.y != 9)
		return 6;
	if (s->a != 2 || s->b != 8191 || s->c != -1 || s->flag)
		return 7;
	if (s->packed.odd != 0xa0b0c0d0 || s->packed.where.x != -5 || s->packed.where.y != 6)
		return 8;
	return 0;
}

SEC("?socket") int on_demand(struct __sk_buff *skb) { return 42; }

char _license[] SEC("license") = "GPL";
