// bpfgen: x
// C names that are the same in Go, and generated names that meet them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct foo_bar { int a; };
struct fooBar { long b; };
typedef struct { char c; } foo__bar;
union map_foo { int a; };
struct chars16 { char comm[16]; };
enum color { RED };
struct colorRED { int shade; };
struct outer { struct { int z; } in; };
struct outer_in { int y; };

struct foo_bar one;
struct fooBar two;
foo__bar three;
union map_foo four;
struct chars16 five;
enum color six;
struct colorRED seven;
struct outer eight;
struct outer_in nine;

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u32); __uint(max_entries, 1); } foo SEC(".maps");

char _license[] SEC("license") = "MIT";
