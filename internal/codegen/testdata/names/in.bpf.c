// bpfgen: Names
// Names that bpf2go gives its users, and those it can't: everything that C
// allows becomes something that Go allows.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct type { int func; int _1abc; int __; int foo_bar; int fooBar; int Foo; int foo; int MY_CONST; int trailing_; };
struct objects { int x; };
struct maps_ { int x; };
struct _leading { int x; };
struct bits { unsigned int flag : 1; int set_flag; int flag_bytes; } __attribute__((packed));
enum string { len, String, close_it };

struct map { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct type); __uint(max_entries, 1); };

struct map close_map SEC(".maps");
struct map names_objects SEC(".maps");
struct map _1st SEC(".maps");
struct objects objects;
struct maps_ maps_;
struct _leading _leading;
struct bits bits;
enum string error;
int func, range, nil, Close_;

SEC("socket") int close(void *ctx) { return 0; }
SEC("socket") int foo_bar(void *ctx) { return func + range + nil; }
SEC("socket") int fooBar(void *ctx) { return 0; }

char _license[] SEC("license") = "MIT";
