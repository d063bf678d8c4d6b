// The tasks with libbpf: prints what one operation costs, as measure.go does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <errno.h>
#include <bpf/libbpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/perf_event.h>

typedef unsigned int u32;
typedef unsigned long long u64;

static const char *object;
static int count;
static volatile u64 sink;

static double cpu(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

// share of the budget that is enough, for what takes far longer to prepare.
static double share = 1;

static double budget(void)
{
	const char *ms = getenv("BENCH_MS");
	return (ms ? atof(ms) : 50) * 1e6 * share;
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

// median_after is a Stopwatch with Thread: the median of the calls of f, each of
// which does ops operations.
static void median_after(void (*prepare)(void), double ops, void (*f)(void))
{
	double *times = NULL, sum = 0;
	size_t calls = 0;
	for (int warm = 0; sum < budget(); warm = 1) {
		prepare();
		double start = cpu();
		f();
		double used = cpu() - start;
		if (!warm)
			continue;
		sum += used;
		times = realloc(times, (calls + 1) * sizeof(*times));
		if (!times)
			die("memory");
		times[calls++] = used;
	}
	qsort(times, calls, sizeof(*times), ascending);
	printf("{\"ns\":%f,\"allocs\":-1,\"bytes\":-1}\n", times[calls / 2] / ops);
}

// after is Loop with something to prepare; f does ops operations.
static void after(void (*prepare)(void), double ops, void (*f)(void))
{
	double sum = 0, calls = 0;
	for (int warm = 0; sum < budget(); warm = 1) {
		if (prepare)
			prepare();
		double start = cpu();
		f();
		if (warm) {
			sum += cpu() - start;
			calls++;
		}
	}
	printf("{\"ns\":%f,\"allocs\":-1,\"bytes\":-1}\n", sum / calls / ops);
}

static void (*repeated)(void);
static long batch = 1;
static void run_batch(void)
{
	for (long i = 0; i < batch; i++)
		repeated();
}

// repeat is Repeat: for what is too short to be measured alone.
static void repeat(void (*f)(void))
{
	repeated = f;
	for (;; batch *= 2) {
		double start = cpu();
		run_batch();
		if (cpu() - start > 1e6)
			break;
	}
	after(NULL, batch, run_batch);
}

static void *blob;
static size_t blob_size;
static void parse(void)
{
	struct bpf_object *o = bpf_object__open_mem(blob, blob_size, NULL);
	if (!o)
		die("open");
	bpf_object__close(o);
}

// load_types opens the types in a file, or those of the running kernel.
static struct btf *load_types(void)
{
	return object ? btf__parse(object, NULL) : btf__load_vmlinux_btf();
}

static void find_type(void)
{
	struct btf *btf = load_types();
	if (!btf || btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) < 0)
		die("find task_struct");
	btf__free(btf);
}

static void visit_types(void)
{
	struct btf *btf = load_types();
	if (!btf)
		die("kernel BTF");
	u32 end = btf__type_cnt(btf);
	for (u32 id = 1; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		sink += btf_kind(t) + (*btf__name_by_offset(btf, t->name_off) != 0);
	}
	btf__free(btf);
}

static struct bpf_object *o;
static int map;
static u32 key = 1;
static u64 value, *values;

static u32 entries; // that the hash is to have
static void load(void)
{
	o = bpf_object__open_file(object, NULL);
	if (!o)
		die("open");
	if (entries > 10000)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(o, "hash"), entries);
	if (bpf_object__load(o))
		die("load");
}

static int fd_of(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(o, name);
	if (fd < 0)
		die(name);
	return fd;
}

static void lookup(void)
{
	if (bpf_map_lookup_elem(map, &key, &value))
		die("lookup");
}

static void lookup_percpu(void)
{
	if (bpf_map_lookup_elem(map, &key, values))
		die("lookup");
}

static void update(void)
{
	value++;
	if (bpf_map_update_elem(map, &key, &value, BPF_ANY))
		die("update");
}

static void iterate(void)
{
	u32 k, next, *prev = NULL;
	int seen = 0;
	while (!bpf_map_get_next_key(map, prev, &next)) {
		k = next;
		prev = &k;
		if (!bpf_map_lookup_elem(map, &k, &value))
			seen++;
	}
	if (seen < count)
		die("iterate");
}

#define READS (1 << 20)
static volatile u64 *variable;
static void read_variable(void)
{
	for (int i = 0; i < READS; i++)
		sink += *variable;
}

static struct ring_buffer *ring;
static int prog;
static char packet[14];
#define BURST 1000
#define BURSTS 10

static void test_run(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	if (bpf_prog_test_run_opts(prog, &opts))
		die("test run");
}

static void produce(void)
{
	for (int i = 0; i < BURSTS; i++)
		test_run();
}

static int on_event(void *ctx, void *data, size_t size)
{
	sink += *(char *)data;
	return 0;
}

static void consume(void)
{
	if (ring_buffer__consume(ring) < BURST * BURSTS)
		die("consume");
}

static struct perf_buffer *perf;
static int received;
static enum bpf_perf_event_ret on_record(void *ctx, int cpu, struct perf_event_header *event)
{
	struct { struct perf_event_header header; u32 size; char data[]; } *sample = (void *)event;
	if (event->type == PERF_RECORD_SAMPLE) {
		sink += sample->data[0];
		received++;
	}
	return LIBBPF_PERF_EVENT_CONT;
}

static void consume_perf(void)
{
	received = 0;
	if (perf_buffer__consume(perf) < 0 || received < BURST * BURSTS)
		die("consume");
}

static int program(const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);
	if (!p)
		die(name);
	return bpf_program__fd(p);
}

static void read_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	if (!f)
		die(name);
	blob = malloc(1 << 26);
	blob_size = fread(blob, 1, 1 << 26, f);
	fclose(f);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

int main(int argc, char **argv)
{
	const char *task = argc > 1 ? argv[1] : "";
#define IS(name) (strcmp(task, name) == 0)
	object = argc > 2 ? argv[2] : NULL;
	libbpf_set_print(quiet);
	if (IS("version")) {
		printf("%s\n", libbpf_version_string());
		return 0;
	}
	if (IS("parse") || IS("parse-decoded")) { // libbpf never decodes
		read_file(object);
		repeat(parse);
		return 0;
	}
	if (IS("btf-find")) {
		repeat(find_type);
		return 0;
	}
	if (IS("btf-all")) {
		repeat(visit_types);
		return 0;
	}
	entries = argc > 3 ? atoi(argv[3]) : 0;
	load();
	if (IS("load")) {
		struct bpf_program *p = bpf_object__find_program_by_name(o, "on_exec");
		if (p) {
			struct bpf_link *l = bpf_program__attach(p);
			if (!l)
				die("attach");
			bpf_link__destroy(l);
		}
		bpf_object__close(o);
		return 0;
	}
	map = fd_of(IS("percpu") ? "percpu" : "hash");
	if (IS("percpu")) {
		values = calloc(libbpf_num_possible_cpus(), sizeof(u64));
		repeat(lookup_percpu);
	} else if (IS("lookup") || IS("lookup-typed")) {
		update();
		repeat(lookup);
	} else if (IS("update") || IS("update-typed")) {
		repeat(update);
	} else if (IS("iterate") || IS("iterate-typed")) {
		count = atoi(argv[3]);
		for (key = 0; key < (u32)count; key++)
			update();
		after(NULL, count, iterate);
	} else if (IS("variable-view")) {
		struct bpf_map *bss = bpf_object__find_map_by_name(o, ".bss");
		size_t size;
		variable = (u64 *)bpf_map__initial_value(bss, &size);
		after(NULL, READS, read_variable);
	} else if (IS("ring") || IS("ring-each")) {
		ring = ring_buffer__new(fd_of("ring"), on_event, NULL, NULL);
		if (!ring)
			die("ring");
		prog = program("produce");
		median_after(produce, BURST * BURSTS, consume);
	} else if (IS("perf")) {
		struct perf_event_attr attr = {
			.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT, .size = sizeof(attr),
			.sample_type = PERF_SAMPLE_RAW, .sample_period = 1, .wakeup_events = BURST * BURSTS,
		};
		share = 0.05;
		perf = perf_buffer__new_raw(fd_of("perf"), 512, &attr, on_record, NULL, NULL);
		if (!perf)
			die("perf");
		prog = program("send");
		median_after(produce, BURST * BURSTS, consume_perf);
	} else if (IS("testrun")) {
		prog = program("nothing");
		repeat(test_run);
	} else {
		fprintf(stderr, "unknown task %s\n", task);
		return 2;
	}
	return 0;
}
