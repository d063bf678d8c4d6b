// bpfgen: types -type requested -type requested_t -type number_t
// Every way to build a type that a map or a variable can have.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum verdict { DROP, PASS = 5, ALSO_PASS = 5 };
enum wide { HUGE = 0x1ffffffff };
enum negative { MINUS = -1, PLUS = 1 };

struct inner { int a; char b; };
typedef struct inner inner_t;
typedef struct { long long x; _Bool y; } anon_t;
typedef anon_t second_t;
typedef char name_t[12];
typedef int number_t;

union plain { int a; long long b; struct inner in; unsigned int bits : 5; };
struct only_union { union { int i; float f; }; };

struct __attribute__((packed)) packed {
	unsigned char a;
	unsigned int b;
	unsigned long long c;
	struct inner d;
	enum verdict e;
};

struct odd_size { unsigned long long a; unsigned int b; } __attribute__((packed));

struct bits {
	unsigned int a : 3, b : 5;
	int c : 7;
	unsigned long long d : 40;
	unsigned char e;
	_Bool f : 1;
	enum verdict g : 4;
	enum negative h : 3;
	unsigned int : 4;
	unsigned int i : 32;
};

struct __attribute__((aligned(32))) aligned { char c; };

struct text { char comm[16]; char lines[3][8]; name_t name; char one; signed char sc[4]; unsigned char uc[2]; };

struct nested {
	enum verdict verdict;
	struct inner in;
	struct { int z; } inline_struct;
	struct { int w; } array_of[2];
	struct { int w1; long long w2; };
	union {
		int ua;
		long long ub;
		struct { short uc; short ud; };
		unsigned int ue : 4;
	};
	union { float f; double d; } named;
	enum { RED, BLUE } color;
};

struct scalars {
	_Bool b;
	short s;
	long l;
	float f;
	double d;
	__int128 wide;
	unsigned __int128 wides[2];
	void *p;
	struct scalars *next;
	int (*fn)(int);
	int matrix[2][3];
};

struct __attribute__((packed)) skewed { char c; void *p; __int128 wide; double d; char *list[2]; };
union holder { struct { char kind; union { int number; char text[7]; }; }; void *p; struct { short a, b; } pair; };
struct unknown;
struct pointers { struct unknown *forward; struct scalars *const *twice; int (*matrix)[3]; struct bits __attribute__((btf_type_tag("kptr"))) *kept; enum verdict grid[2][2]; struct inner boxes[2][3]; };

struct empty {};
struct flexible { __u32 len; struct empty nothing; char data[]; };
struct kernels { struct bpf_spin_lock lock; struct bpf_timer timer; __u32 value; };

struct requested { __u64 value; };
typedef struct requested requested_t;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, inner_t);
	__type(value, struct nested);
	__uint(max_entries, 10);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct kernels);
	__uint(max_entries, 10);
} locked SEC(".maps");

struct inner_value { __u64 v; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, 4);
	__uint(max_entries, 2);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__type(key, struct { __u16 port; });
		__type(value, struct inner_value);
		__uint(max_entries, 10);
	});
} outer SEC(".maps");

struct inner_value inner_value; // or clang leaves only a forward declaration
union plain plain;
struct only_union only_union;
struct packed packed;
struct odd_size odd_size[2];
struct bits bits;
struct aligned aligned;
struct text text;
struct scalars scalars;
struct skewed skewed;
union holder holder;
struct pointers pointers;
struct flexible *flexible_pointer;
struct flexible flexible;
struct { int q; } conf;
enum wide wide;
enum negative negatives[3];
anon_t anons[2];
const volatile second_t second;
number_t number;
requested_t *requested;

SEC("socket") int use(struct __sk_buff *ctx)
{
	return plain.a + packed.a + bits.a + second.y + number + conf.q;
}

char _license[] SEC("license") = "MIT";
