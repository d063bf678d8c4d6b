// SPDX-License-Identifier: MIT
// Section names of all sorts: what they say about a program's type, what it
// attaches to, and whether it is loaded unless told otherwise.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM(section, name) SEC(section) int name(void *ctx) { return 0; }

PROGRAM("socket", socket_filter)
PROGRAM("xdp", xdp_plain)
PROGRAM("xdp", xdp_another)
PROGRAM("xdp.frags", xdp_frags)
PROGRAM("xdp/devmap", xdp_devmap)
PROGRAM("xdp.frags/cpumap", xdp_frags_cpumap)
PROGRAM("tc", tc_plain)
PROGRAM("tcx/ingress", tcx_ingress)
PROGRAM("netkit/peer", netkit_peer)
PROGRAM("cgroup_skb/egress", cgroup_egress)
PROGRAM("cgroup_skb/ingress", cgroup_ingress)
PROGRAM("kprobe/do_unlinkat", kprobe_named)
PROGRAM("kprobe", kprobe_open)
PROGRAM("kretprobe/do_unlinkat", kretprobe_named)
PROGRAM("kprobe.multi/tcp_*", kprobe_multi)
PROGRAM("kprobe.session/tcp_*", kprobe_session)
PROGRAM("ksyscall/nanosleep", ksyscall)
PROGRAM("uprobe//proc/self/exe:main", uprobe_path)
PROGRAM("uprobe.s/libc.so.6:malloc+0x10", uprobe_sleepable)
PROGRAM("uretprobe.multi//bin/true:*", uretprobe_multi)
PROGRAM("usdt/libc.so.6:libc:setjmp", usdt)
PROGRAM("tracepoint/syscalls/sys_enter_openat", tracepoint_long)
PROGRAM("tp/sched/sched_process_exec", tracepoint_short)
PROGRAM("raw_tp/sched_switch", raw_tp)
PROGRAM("raw_tracepoint.w/nbd_send_request", raw_tp_writable)
PROGRAM("perf_event", on_perf_event)
PROGRAM("syscall", on_syscall)
PROGRAM("?xdp", optional_xdp)
PROGRAM("?kprobe/not_in_this_kernel", optional_kprobe)

// These need a target from the kernel's BTF.
PROGRAM("?tp_btf/sched_process_exec", tp_btf)
PROGRAM("?fentry/vfs_unlink", fentry)
PROGRAM("?fexit.s/bpf_fentry_test1", fexit_sleepable)
PROGRAM("?fmod_ret/security_file_open", fmod_ret)
PROGRAM("?lsm/file_open", lsm)
PROGRAM("?lsm.s/bprm_committed_creds", lsm_sleepable)
PROGRAM("?lsm_cgroup/socket_create", lsm_cgroup)
PROGRAM("?iter/task", iter_task)
PROGRAM("?iter.s/task_vma", iter_sleepable)
PROGRAM("?freplace/xdp_plain", freplace)

char _license[] SEC("license") = "Dual MIT/GPL";
__u32 _version SEC("version") = 0x60000;
