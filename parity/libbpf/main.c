// SPDX-License-Identifier: MIT
//
// Loads BPF objects with libbpf, whole and then program by program, and prints
// what internal/cmd/loadobj prints: a line of JSON for each attempt.
//
//	libbpf-load OBJ...
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last warning that says more than that loading failed. */
static char warning[512];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(warning)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	if (!warning[0] || (!strstr(line, "failed to load object") && !strstr(line, "PROG LOAD LOG")))
		memcpy(warning, line, sizeof(warning));
	return 0;
}

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			putchar(' ');
		else
			putchar(c);
	}
	putchar('"');
}

/* The lines of a descriptor's fdinfo whose names are wanted. */
static void print_fdinfo(int fd, const char *const wanted[])
{
	char path[64], line[256], name[64], value[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^:]:%127s", name, value) != 2)
			continue;
		for (int i = 0; wanted[i]; i++)
			if (!strcmp(name, wanted[i]))
				printf(" %s=%s", name, value);
	}
	fclose(f);
}

/* FNV-1a, which the other loaders compute, too. */
static uint64_t hash(const unsigned char *data, size_t size)
{
	uint64_t h = 14695981039346656037ull;

	while (size--)
		h = (h ^ *data++) * 1099511628211ull;
	return h;
}

static void print_contents(const struct bpf_map *m)
{
	static const uint32_t key;
	size_t size = bpf_map__value_size(m);
	unsigned char *value = calloc(1, size + 8);

	if (value && !bpf_map_lookup_elem(bpf_map__fd(m), &key, value))
		printf(" contents=%016llx", (unsigned long long)hash(value, size));
	free(value);
}

/* libbpf puts the object's name in front of those of data maps. */
static const char *map_name(const struct bpf_map *m)
{
	const char *name = bpf_map__name(m), *dot = strchr(name, '.');

	return bpf_map__is_internal(m) && dot ? dot : name;
}

static void print_loaded(struct bpf_object *obj, int *maps, int *programs)
{
	static const char *const of_map[] = { "map_type", "key_size", "value_size", "max_entries",
					      "map_flags", "map_extra", "frozen", NULL };
	static const char *const of_program[] = { "prog_type", "prog_tag", NULL };
	struct bpf_program *p;
	struct bpf_map *m;
	const char *comma = "";

	printf(",\"loaded\":{");
	bpf_object__for_each_map(m, obj) {
		if (bpf_map__fd(m) < 0)
			continue;
		++*maps;
		printf("%s\"map %s\":\"", comma, map_name(m));
		print_fdinfo(bpf_map__fd(m), of_map);
		if (bpf_map__is_internal(m))
			print_contents(m);
		printf("\"");
		comma = ",";
	}
	bpf_object__for_each_program(p, obj) {
		if (bpf_program__fd(p) < 0)
			continue;
		++*programs;
		printf("%s\"program %s\":\"", comma, bpf_program__name(p));
		print_fdinfo(bpf_program__fd(p), of_program);
		printf("\"");
		comma = ",";
	}
	printf("}");
}

static struct bpf_object *open_unpinned(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_map *m;

	if (obj)
		bpf_object__for_each_map(m, obj)
			bpf_map__set_pin_path(m, NULL);
	return obj;
}

/* One attempt: with a name, of that program alone. Returns the object for its names. */
static struct bpf_object *attempt(const char *path, const char *program)
{
	int maps = 0, programs = 0, err = 0;
	struct bpf_object *obj;
	struct bpf_program *p;
	const char *phase = "ok";

	warning[0] = 0;
	obj = open_unpinned(path);
	if (!obj) {
		err = -errno;
		phase = "open";
	} else {
		if (program)
			bpf_object__for_each_program(p, obj)
				bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), program));
		err = bpf_object__load(obj);
		if (err)
			phase = "load";
	}
	printf("{\"object\":");
	print_string(path);
	if (program) {
		printf(",\"program\":");
		print_string(program);
	}
	printf(",\"mode\":\"%s\",\"phase\":\"%s\"", program ? "program" : "object", phase);
	if (err) {
		if (!warning[0])
			snprintf(warning, sizeof(warning), "error %d", err);
		printf(",\"error\":");
		print_string(warning);
	} else {
		print_loaded(obj, &maps, &programs);
	}
	printf(",\"maps\":%d,\"programs\":%d}\n", maps, programs);
	fflush(stdout);
	return obj;
}

int main(int argc, char **argv)
{
	libbpf_set_print(keep_warning);
	for (int i = 1; i < argc; i++) {
		struct bpf_object *names = attempt(argv[i], NULL);
		struct bpf_program *p;

		if (!names)
			continue;
		bpf_object__for_each_program(p, names) {
			struct bpf_object *obj = attempt(argv[i], bpf_program__name(p));

			bpf_object__close(obj);
		}
		bpf_object__close(names);
	}
	return 0;
}
