// Every kind of type that clang emits for BPF. Compiled for both byte orders:
//   clang-19 -O2 -g -mcpu=v3 -fdebug-compilation-dir=. -ffile-prefix-map=$PWD=. -target bpfel -c kinds.c -o kinds-el.o && llvm-strip-19 -g kinds-el.o
//   clang-19 -O2 -g -mcpu=v3 -fdebug-compilation-dir=. -ffile-prefix-map=$PWD=. -target bpfeb -c kinds.c -o kinds-eb.o && llvm-strip-19 -g kinds-eb.o
#define SEC(name) __attribute__((section(name)))
#define tag(value) __attribute__((btf_decl_tag(value)))
#define typetag(value) __attribute__((btf_type_tag(value)))
#define core __attribute__((preserve_access_index))

typedef unsigned int u32 tag("typedef tag");
typedef unsigned long long u64;

struct declared;
union declared_union;

enum small { SMALL_A, SMALL_B = 7, SMALL_C = 0xffffffff };
enum negative { NEGATIVE = -1, ZERO };
enum wide { WIDE = 0x100000000ULL };
enum wide_negative { WIDE_NEGATIVE = -0x100000000LL };

struct bits {
	int a : 3;
	unsigned b : 5;
	u64 c : 40;
};

union choice {
	u32 number tag("union member tag");
	char text[16];
} tag("union tag");

struct node {
	struct node *next;
	struct node typetag("user") * tagged;
	const volatile char *restrict_me;
	void *restrict p;
	struct declared *declared;
	union declared_union *declared_union;
	u32 member tag("member tag") tag("second member tag");
	union choice choice;
	struct {
		int x, y;
	};
	struct bits bits;
	int (*callback)(struct node *node, ...);
	float single_precision;
	_Bool flag;
	char flexible[];
} tag("struct tag");

struct kernel___flavour {
	int pid;
	u64 start;
} core;

enum small small_var;
enum negative negative_var = NEGATIVE;
enum wide wide_var;
enum wide_negative wide_negative_var;
struct node node_var tag("var tag");
static volatile int static_var = 3;
const volatile u32 config = 1;
extern int external_var SEC(".ksyms");
extern int external_func(u32 arg) SEC(".ksyms");

__attribute__((noinline)) static int local(u64 x) { return x * static_var; }

__attribute__((noinline)) int global(struct kernel___flavour *k tag("param tag")) tag("func tag") { return k->pid; }

SEC("xdp") int prog(void *ctx)
{
	struct kernel___flavour k = {};
	return local(node_var.member) + global(&k) + external_func(config) + external_var + (int)wide_var;
}

char _license[] SEC("license") = "MIT";
