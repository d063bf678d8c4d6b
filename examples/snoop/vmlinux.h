/* SPDX-License-Identifier: MIT
 *
 * What this example needs of the kernel's types. `bpftool btf dump file
 * /sys/kernel/btf/vmlinux format c` gives all of them.
 */
#pragma once
#include <linux/bpf.h>

typedef __u32 u32;
typedef __u64 u64;
