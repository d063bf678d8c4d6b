/* Programs that the verifier rejects, each for another reason. They are small
 * on purpose: what is wrong is in the line that the error has to point at. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>


char proprietary[] SEC("license") = "GPL";

struct value {
	long count;
	char name[24];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, __u32);
	__type(value, struct value);
} constants SEC(".maps");

struct locked {
	struct bpf_spin_lock lock;
	int count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");

const volatile int limit = 8;
int index_of_name;
char names[64];

/* Pointers. */

SEC("?socket")
int null_check(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	v->count++;
	return 0;
}

SEC("?socket")
int scalar_as_pointer(struct __sk_buff *skb)
{
	long *p = (long *)(long)bpf_get_prandom_u32();

	return *p;
}

SEC("?socket")
int null_arithmetic(struct __sk_buff *skb)
{
	__u32 key = 0;
	char *v = bpf_map_lookup_elem(&values, &key);

	v += 8;
	barrier_var(v);
	if (!v)
		return 0;
	return *v;
}

SEC("?socket")
int pointer_plus_pointer(struct __sk_buff *skb)
{
	long a = (long)skb, b = a;

	asm volatile("%0 += %1" : "+r"(a) : "r"(b));
	return a != 0;
}

SEC("?socket")
int pointer_bits(struct __sk_buff *skb)
{
	long a = (long)skb;

	asm volatile("%0 &= 7" : "+r"(a));
	return a;
}

SEC("?socket")
int pointer_shift(struct __sk_buff *skb)
{
	long a = (long)skb;

	asm volatile("%0 <<= 3" : "+r"(a));
	return a;
}

SEC("?socket")
int pointer_half(struct __sk_buff *skb)
{
	long a = (long)skb;

	asm volatile("w0 = 0; w1 = w1; w1 += 1" : "+r"(a) :: "r0", "r1");
	asm volatile("r1 = %0; w1 += 1" :: "r"(a) : "r1");
	return 0;
}

SEC("?xdp")
int packet_end_arithmetic(struct xdp_md *ctx)
{
	char *end = (char *)(long)ctx->data_end;

	end -= 4;
	barrier_var(end);
	return (char *)(long)ctx->data < end ? XDP_PASS : XDP_DROP;
}

SEC("?socket")
int unbounded_arithmetic(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);
	long at;

	if (!v)
		return 0;
	at = v->count;
	return v->name[at];
}

/* Bounds. */

SEC("?socket")
int negative_index(struct __sk_buff *skb)
{
	long at = *(volatile signed char *)names;

	if (at > 63)
		return 0;
	return names[at];
}

SEC("?socket")
int unbounded_index(struct __sk_buff *skb)
{
	__u32 at = index_of_name;

	return names[at];
}

SEC("?socket")
int index_off_by_one(struct __sk_buff *skb)
{
	__u32 key = 0, at = index_of_name;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	if (!v || at > sizeof(v->name))
		return 0;
	return v->name[at];
}

SEC("?socket")
int far_index(struct __sk_buff *skb)
{
	__u32 key = 0;
	char *v = bpf_map_lookup_elem(&values, &key);

	if (!v)
		return 0;
	v += 0x40000000;
	barrier_var(v);
	return *v;
}

SEC("?socket")
int constant_index(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	if (!v)
		return 0;
	return *(long *)((char *)v + 28);
}

SEC("?raw_tp/sched_process_exec")
int negative_size(void *ctx)
{
	char buf[16];
	long size = *(volatile long *)names;

	if (size > 16)
		return 0;
	bpf_probe_read_kernel(buf, size, ctx);
	return buf[0];
}

SEC("?raw_tp/sched_process_exec")
int unbounded_size(void *ctx)
{
	__u32 size = index_of_name;

	bpf_probe_read_kernel(names, size, ctx);
	return 0;
}

SEC("?raw_tp/sched_process_exec")
int size_beyond_buffer(void *ctx)
{
	char buf[16];
	__u32 size = index_of_name;

	if (size > 32)
		return 0;
	bpf_probe_read_kernel(buf, size, ctx);
	return buf[0];
}

SEC("?raw_tp/sched_process_exec")
int zero_size(void *ctx)
{
	char buf[16] = {};

	bpf_trace_printk(buf, 0);
	return 0;
}

/* Packets and contexts. */

SEC("?xdp")
int packet_bounds(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data;

	return data[12] ? XDP_PASS : XDP_DROP;
}

SEC("?xdp")
int packet_end_read(struct xdp_md *ctx)
{
	return *(char *)(long)ctx->data_end;
}

SEC("?tc")
int packet_in_event(struct __sk_buff *skb)
{
	char *data = (char *)(long)skb->data, *end = (char *)(long)skb->data_end;

	if (data + 8 > end)
		return 0;
	return bpf_ringbuf_output(&events, data, 8, 0);
}

SEC("?xdp")
int packet_variable(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data, *end = (char *)(long)ctx->data_end;
	__u32 length;

	if (data + 14 > end)
		return XDP_PASS;
	length = *(__u32 *)data;
	if (data + length + 4 > end)
		return XDP_PASS;
	return data[length] ? XDP_PASS : XDP_DROP;
}

SEC("?socket")
int context_offset(struct __sk_buff *skb)
{
	return ((char *)skb)[3000];
}

SEC("?socket")
int context_field(struct __sk_buff *skb)
{
	return (long)skb->data != 0;
}

SEC("?socket")
int context_variable(struct __sk_buff *skb)
{
	__u32 at = index_of_name & 4;

	return *(__u32 *)((char *)skb + at);
}

SEC("?socket")
int context_modified(struct __sk_buff *skb)
{
	long p = (long)skb;

	asm volatile("%0 += 4" : "+r"(p));
	return bpf_skb_load_bytes((void *)p, 0, names, 4);
}

SEC("?socket")
int context_atomic(struct __sk_buff *skb)
{
	asm volatile("lock *(u32 *)(%0 + 0) += %1" :: "r"(skb), "r"(1));
	return 0;
}

SEC("?cgroup_skb/egress")
int packet_write(struct __sk_buff *skb)
{
	char *data = (char *)(long)skb->data, *end = (char *)(long)skb->data_end;

	if (data + 1 > end)
		return 1;
	data[0] = 1;
	return 1;
}

/* Registers, return values, the stack. */

SEC("?socket")
__attribute__((naked)) int uninitialised_register(void)
{
	asm volatile("r0 = r7; exit");
}

SEC("?socket")
__attribute__((naked)) int uninitialised_result(void)
{
	asm volatile("exit");
}

SEC("?socket")
__attribute__((naked)) int clobbered_register(void)
{
	asm volatile("r6 = r1; call %[random]; r0 = *(u32 *)(r1 + 0); exit" :: [random] "i"(BPF_FUNC_get_prandom_u32));
}

SEC("?cgroup_skb/egress")
int return_range(struct __sk_buff *skb)
{
	return 7;
}

SEC("?socket")
__attribute__((naked)) int frame_pointer(void)
{
	asm volatile("r10 += 8; r0 = 0; exit");
}

SEC("?socket")
__attribute__((naked)) int stack_overflow(void)
{
	asm volatile("r0 = 0; *(u64 *)(r10 - 520) = r0; exit");
}

SEC("?socket")
__attribute__((naked)) int stack_above(void)
{
	asm volatile("r0 = *(u64 *)(r10 + 8); exit");
}

SEC("?socket")
__attribute__((naked)) int stack_variable(void)
{
	asm volatile("call %[random]; r1 = r10; r1 += r0; r0 = 0; *(u8 *)(r1 - 8) = r0; exit" :: [random] "i"(BPF_FUNC_get_prandom_u32));
}

SEC("?socket")
__attribute__((naked)) int stack_unbounded(void)
{
	asm volatile("call %[random]; w0 = w0; r1 = r10; r1 += r0; r0 = 0; *(u8 *)(r1 - 8) = r0; exit" :: [random] "i"(BPF_FUNC_get_prandom_u32));
}

SEC("?raw_tp/sched_process_exec")
int stack_argument(void *ctx)
{
	char buf[8];

	bpf_probe_read_kernel(buf, 16, ctx);
	return buf[0];
}

SEC("?socket")
int unread_key(struct __sk_buff *skb)
{
	return bpf_map_lookup_elem(&values, skb) != 0;
}

SEC("?socket")
int argument_type(struct __sk_buff *skb)
{
	return bpf_map_lookup_elem(&values, (void *)8) != 0;
}

static __noinline int deepest(struct __sk_buff *skb)
{
	char buf[300];

	bpf_skb_load_bytes(skb, 0, buf, sizeof(buf));
	return buf[index_of_name & 0xff];
}

SEC("?socket")
int stack_of_calls(struct __sk_buff *skb)
{
	char buf[300];

	bpf_skb_load_bytes(skb, 0, buf, sizeof(buf));
	return deepest(skb) + buf[index_of_name & 0xff];
}

/* Loops and size. */

SEC("?socket")
int infinite_loop(struct __sk_buff *skb)
{
	for (;;)
		barrier();
	return 0;
}

SEC("?socket")
int too_many_paths(struct __sk_buff *skb)
{
	__u32 bits = skb->mark, sum = 0;

#pragma unroll
	for (int i = 0; i < 28; i++) {
		if (bits & (1u << i)) {
			sum += 3u << i;
			barrier_var(sum);
		}
	}
	return sum == 77;
}

SEC("?socket")
__attribute__((naked)) int unreachable(void)
{
	asm volatile("r0 = 0; exit; r0 = 1; exit");
}

SEC("?socket")
__attribute__((naked)) int no_exit(void)
{
	asm volatile("r0 = 0");
}

static __noinline int recursive(int n)
{
	if (n > 0) {
		n = recursive(n - 1);
		barrier_var(n);
	}
	return n;
}

SEC("?socket")
int recursion(struct __sk_buff *skb)
{
	return recursive(index_of_name);
}

/* Helpers. */

SEC("?socket")
int helper_of_other_type(struct __sk_buff *skb)
{
	return bpf_redirect(1, 0);
}

SEC("?socket")
int unknown_helper(struct __sk_buff *skb)
{
	int (*later)(void) = (void *)4000;

	return later();
}

SEC("?xdp")
int map_of_other_type(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &values, 0);
	return XDP_PASS;
}

SEC("?socket")
int map_for_other_helper(struct __sk_buff *skb)
{
	return bpf_ringbuf_output(&values, names, 8, 0);
}

SEC("?socket")
int write_constant_map(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&constants, &key);

	if (v)
		v->count = 1;
	return 0;
}

SEC("?socket")
int write_rodata(struct __sk_buff *skb)
{
	asm volatile("*(u32 *)(%0 + 0) = %1" :: "r"(&limit), "r"(9));
	return 0;
}

/* References and locks. */

SEC("?socket")
int unreleased(struct __sk_buff *skb)
{
	long *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
	*event = 1;
	return 0;
}

SEC("?socket")
int released_twice(struct __sk_buff *skb)
{
	long *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
	bpf_ringbuf_submit(event, 0);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("?socket")
int event_bounds(struct __sk_buff *skb)
{
	long *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
	event[1] = 1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("?tc")
int tail_call_with_reference(struct __sk_buff *skb)
{
	long *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
	bpf_tail_call(skb, &jumps, 0);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("?tc")
int lock_held_at_exit(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	l->count++;
	return 0;
}

SEC("?tc")
int call_with_lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	l->count = bpf_get_prandom_u32();
	bpf_spin_unlock(&l->lock);
	return 0;
}

SEC("?tc")
int lock_twice(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	bpf_spin_lock(&l->lock);
	bpf_spin_unlock(&l->lock);
	return 0;
}

SEC("?tc")
int unlock_alone(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_unlock(&l->lock);
	return 0;
}

SEC("?tc")
int lock_read(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	return l ? *(volatile int *)&l->lock : 0;
}

SEC("?raw_tp/sched_process_exec")
int lock_in_tracing(void *ctx)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	bpf_spin_unlock(&l->lock);
	return 0;
}

/* Odd instructions. */

SEC("?socket")
__attribute__((naked)) int division_by_zero(void)
{
	asm volatile("r0 = 1; r0 /= 0; exit");
}

SEC("?socket")
__attribute__((naked)) int wide_shift(void)
{
	asm volatile("r0 = 1; r0 <<= 64; exit");
}

SEC("?xdp")
__attribute__((naked)) int packet_load(void)
{
	asm volatile("r6 = r1; r0 = *(u8 *)skb[0]; exit");
}

SEC("?tc")
__attribute__((naked)) int different_pointers(void)
{
	asm volatile("r6 = r1; r2 = r10; r2 += -8; r7 = 0; *(u64 *)(r2 + 0) = r7;"
		     "call %[random]; if r0 == 0 goto 1f; r6 = r10; r6 += -8; 1: r0 = *(u32 *)(r6 + 0); r0 = 0; exit" :: [random] "i"(BPF_FUNC_get_prandom_u32));
}

SEC("?tc")
__attribute__((naked)) int pointer_from_number(void)
{
	asm volatile("r2 = 8; r2 -= r1; r0 = 0; exit");
}

SEC("?tc")
__attribute__((naked)) int jump_out(void)
{
	asm volatile("r0 = 0; goto +100; exit");
}

SEC("?tc")
__attribute__((naked)) int unknown_instruction(void)
{
	asm volatile("r0 = 0; .byte 0x8f,0,0,0,0,0,0,0; exit");
}

/* Functions. */

__noinline int global_without_check(struct value *v)
{
	return v->count;
}

SEC("?socket")
int global_argument(struct __sk_buff *skb)
{
	return global_without_check(0);
}

__noinline void global_void(struct __sk_buff *skb)
{
	barrier();
}

SEC("?socket")
int global_result(struct __sk_buff *skb)
{
	global_void(skb);
	return 0;
}

__noinline int global_scalar(struct value *v)
{
	return v ? v->count : 0;
}

SEC("?socket")
int global_caller(struct __sk_buff *skb)
{
	return global_scalar((void *)skb);
}

static int returns_seven(__u32 i, void *ctx)
{
	return 7;
}

SEC("?socket")
int callback_result(struct __sk_buff *skb)
{
	bpf_loop(4, returns_seven, 0, 0);
	return 0;
}

static __noinline int big_callee(struct __sk_buff *skb)
{
	char buf[300];

	bpf_skb_load_bytes(skb, 0, buf, sizeof(buf));
	bpf_tail_call(skb, &jumps, 0);
	return buf[index_of_name & 0xff];
}

SEC("?tc")
int tail_call_with_stack(struct __sk_buff *skb)
{
	char buf[300];

	bpf_skb_load_bytes(skb, 0, buf, sizeof(buf));
	return big_callee(skb) + buf[index_of_name & 0xff];
}

/* What is newer: kfuncs, dynptrs, iterators, RCU, exceptions. */

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

/* linux/bpf.h of older distributions has none. */
struct bpf_iter_num {
	__u64 opaque;
} __attribute__((aligned(8)));

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
extern void bpf_throw(__u64 cookie) __ksym __weak;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 buffer__szk) __ksym __weak;
extern int bpf_copy_from_user_str(void *dst, __u32 dst__sz, const void *unsafe, __u64 flags) __ksym __weak;
extern void bpf_local_irq_save(unsigned long *flags) __ksym __weak;

SEC("?socket")
int kfunc_of_other_type(struct __sk_buff *skb)
{
	return bpf_task_from_pid(1) != 0;
}

SEC("?tp_btf/sched_process_exec")
int kfunc_null(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	bpf_task_release(p);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int kfunc_untrusted(__u64 *ctx)
{
	struct task_struct *p = bpf_task_acquire((void *)ctx[0] + 8);

	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int kfunc_unowned(__u64 *ctx)
{
	bpf_task_release((struct task_struct *)ctx[0]);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int kfunc_leak(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	return p != 0;
}

SEC("?tp_btf/sched_process_exec")
int kfunc_sleepable(void *ctx)
{
	return bpf_copy_from_user_str(names, sizeof(names), 0, 0);
}

SEC("?tp_btf/sched_process_exec")
int write_kernel_memory(__u64 *ctx)
{
	*(long *)ctx[0] = 1;
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int beyond_struct(__u64 *ctx)
{
	return *(long *)(ctx[0] + 1000000);
}

SEC("?tp_btf/sched_process_exec")
int missing_argument(__u64 *ctx)
{
	return ctx[9];
}

SEC("?tp_btf/sched_process_exec")
int rcu_held_at_exit(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int rcu_unlock_alone(void *ctx)
{
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int preemption_off_at_exit(void *ctx)
{
	bpf_preempt_disable();
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int interrupts_off_at_exit(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	return 0;
}

SEC("?tc")
int throw_with_reference(struct __sk_buff *skb)
{
	long *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
	bpf_throw(0);
	return 0;
}

SEC("?tc")
int iterator_unmade(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_next(&it);
	return 0;
}

SEC("?tc")
int iterator_leak(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	return 0;
}

SEC("?tc")
int iterator_twice(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("?tc")
int dynptr_unmade(struct __sk_buff *skb)
{
	struct bpf_dynptr p = {};

	return bpf_dynptr_read(names, 4, &p, 0, 0);
}

SEC("?tc")
int dynptr_leak(struct __sk_buff *skb)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	return 0;
}

SEC("?tc")
int dynptr_twice(struct __sk_buff *skb)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(names, sizeof(names), 0, &p);
	bpf_dynptr_from_mem(names, sizeof(names), 0, &p);
	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &p);
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}

SEC("?tc")
int dynptr_slice_null(struct __sk_buff *skb)
{
	struct bpf_dynptr p;
	char *data;

	bpf_dynptr_from_mem(names, sizeof(names), 0, &p);
	data = bpf_dynptr_data(&p, 0, 4);
	return data[0];
}

struct holder {
	struct task_struct __attribute__((btf_type_tag("kptr"))) *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct holder);
} holders SEC(".maps");

SEC("?tp_btf/sched_process_exec")
int kptr_store(__u64 *ctx)
{
	__u32 key = 0;
	struct holder *h = bpf_map_lookup_elem(&holders, &key);

	if (h)
		h->task = (struct task_struct *)ctx[0];
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int kptr_leak(__u64 *ctx)
{
	__u32 key = 0;
	struct holder *h = bpf_map_lookup_elem(&holders, &key);

	if (h)
		bpf_kptr_xchg(&h->task, 0);
	return 0;
}

struct task_struct___gone {
	struct {
		long never_had_it;
	} nested;
} __attribute__((preserve_access_index));

SEC("?tp_btf/sched_process_exec")
int relocation(__u64 *ctx)
{
	struct task_struct___gone *task = (void *)ctx[0];

	return task->nested.never_had_it;
}

struct timed {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");

SEC("?tc")
int timer_of_other_map(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	if (t)
		bpf_timer_init(&t->timer, &values, 0);
	return 0;
}

SEC("?tc")
int write_timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	if (t)
		*(volatile long *)&t->timer = 1;
	return 0;
}

/* Branches and calls on the way to the mistake. */

static __noinline int name_at(struct value *v, __u32 at)
{
	if (at > 30)
		return -1;
	return v->name[at];
}

SEC("?socket")
int behind_branches(struct __sk_buff *skb)
{
	__u32 key = skb->len, at = skb->mark;
	struct value *v;

	if (skb->protocol == 8)
		key = 1;
	v = bpf_map_lookup_elem(&values, &key);
	if (!v)
		return 0;
	if (at > 100 && skb->priority)
		return 1;
	return name_at(v, at);
}

SEC("?tc")
int misaligned_packet(struct __sk_buff *skb)
{
	char *data = (char *)(long)skb->data, *end = (char *)(long)skb->data_end;

	if (data + 14 > end)
		return 0;
	return *(__u32 *)(data + 1);
}

SEC("?tc")
__attribute__((naked)) int misaligned_stack(void)
{
	asm volatile("r0 = 0; *(u64 *)(r10 - 12) = r0; exit");
}

SEC("?kprobe")
int restricted_helper(void *ctx)
{
	return bpf_probe_read_kernel(names, 8, ctx);
}

SEC("?socket")
int sleeps(struct __sk_buff *skb)
{
	return 0;
}

SEC("?socket")
__attribute__((naked)) int arena_cast(void)
{
	asm volatile("r0 = 0; r0 = addr_space_cast(r0, 0, 1); exit");
}

SEC("?syscall")
int copies_from_user(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_copy_from_user(names, 8, ctx);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?tc")
int unknown_size(struct __sk_buff *skb)
{
	__u32 size = skb->len;
	char *event = bpf_ringbuf_reserve(&events, size, 0);

	if (event)
		bpf_ringbuf_discard(event, 0);
	return 0;
}

static int timed_out(void *map, int *key, struct timed *t)
{
	return 1;
}

SEC("?tc")
int timer_result(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	if (t)
		bpf_timer_set_callback(&t->timer, timed_out);
	return 0;
}

/* Not for the unprivileged. */

SEC("?socket")
__attribute__((naked)) int back_edge(void)
{
	asm volatile("r0 = 4; 1: r0 += -1; if r0 != 0 goto 1b; exit");
}

SEC("?socket")
__attribute__((naked)) int pointer_result(void)
{
	asm volatile("r0 = r1; exit");
}

SEC("?socket")
__attribute__((naked)) int pointer_compared(void)
{
	asm volatile("r0 = 0; if r1 > 100 goto 1f; r0 = 1; 1: exit");
}

SEC("?socket")
__attribute__((naked)) int stack_unwritten(void)
{
	asm volatile("r0 = *(u64 *)(r10 - 8); exit");
}
