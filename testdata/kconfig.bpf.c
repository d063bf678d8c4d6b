// SPDX-License-Identifier: MIT
// Options of the kernel's configuration in variables of every type that takes
// them, and of some that don't.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef _Bool flag;
typedef const __u32 version;
typedef char hostname[16];

extern flag CONFIG_BOOL __kconfig __weak;
extern enum libbpf_tristate CONFIG_TRISTATE __kconfig __weak;
extern char CONFIG_CHAR __kconfig __weak;
extern __u8 CONFIG_U8 __kconfig __weak;
extern __s8 CONFIG_S8 __kconfig __weak;
extern __u16 CONFIG_U16 __kconfig __weak;
extern short CONFIG_S16 __kconfig __weak;
extern const volatile __u32 CONFIG_U32 __kconfig __weak;
extern int CONFIG_S32 __kconfig __weak;
extern unsigned long CONFIG_U64 __kconfig __weak;
extern long long CONFIG_S64 __kconfig __weak;
extern hostname CONFIG_STRING __kconfig __weak;
extern char CONFIG_LETTER[1] __kconfig __weak;
extern version LINUX_KERNEL_VERSION __kconfig;
extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern __u64 LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int LINUX_HAS_WHATEVER __kconfig __weak;

struct values {
	__u64 bool_, tristate, char_, u8, s8, u16, s16, u32, s32, u64, s64;
	char string[16], letter[1];
	__u64 version, cookie, wrapper, whatever;
} values;

SEC("socket")
int read_all(void *ctx)
{
	values.bool_ = CONFIG_BOOL;
	values.tristate = CONFIG_TRISTATE;
	values.char_ = CONFIG_CHAR;
	values.u8 = CONFIG_U8;
	values.s8 = CONFIG_S8;
	values.u16 = CONFIG_U16;
	values.s16 = CONFIG_S16;
	values.u32 = CONFIG_U32;
	values.s32 = CONFIG_S32;
	values.u64 = CONFIG_U64;
	values.s64 = CONFIG_S64;
	for (int i = 0; i < sizeof(values.string); i++)
		values.string[i] = CONFIG_STRING[i];
	values.letter[0] = CONFIG_LETTER[0];
	values.version = LINUX_KERNEL_VERSION;
	values.cookie = LINUX_HAS_BPF_COOKIE;
	values.wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	values.whatever = LINUX_HAS_WHATEVER;
	return 0;
}

// What can't be resolved keeps only those programs from loading that use it.
extern _Bool CONFIG_BFP_SYSCALL __kconfig; // mistyped

SEC("?socket")
int read_mistyped(void *ctx)
{
	return CONFIG_BFP_SYSCALL;
}

char _license[] SEC("license") = "Dual MIT/GPL";
