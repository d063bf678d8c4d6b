// bpfgen: Consts -const MAX_[^B]* -const TEXT -const FUNCTION -const NOT_A_NUMBER
// What #define can say, and what Go can have of it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { FROM_ENUM = 7 };
enum { LOOSE, used_one = 12, NEGATIVE_ONE = -3 };
enum { LARGE = 1UL << 40 };

#define MAX_ENTRIES (1 << 10)
#define MAX_UNSIGNED 0xffffffffffffffffULL
#define MAX_INT 0xffffffffu
#define MAX_NEGATIVE -5
#define MAX_SIZE sizeof(struct bpf_insn)
#define MAX_OF_ENUM FROM_ENUM
#define MAX_CHAR 'x'
#define MAX_INDIRECT (MAX_ENTRIES + MAX_OF_ENUM)
#define MAX_FLOAT 1.5
#define MAX_TYPE unsigned long
#define MAX_EMPTY
#define MAX_BLOCK {
#define MAX_STATEMENT return 0;
#define MAX_LIST {1, 2}
#define MAX_VARIABLE counter
#define MAX_NAME "a \"quoted\" name; {" "\n"
#define MAX_WITH_ARGUMENT(x) (x)
#define TEXT MAX_NAME
#define FUNCTION use
#define NOT_A_NUMBER 1.5

//bpfgen:export
#define VERSION "1.2"
#define PORT 443 //bpfgen:export
#define MAX_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define PRIVATE 1

int counter;

SEC("socket") int use(struct __sk_buff *ctx) { return counter + used_one + (counter == (int)(LARGE >> 39)); }

char _license[] SEC("license") = "MIT";
