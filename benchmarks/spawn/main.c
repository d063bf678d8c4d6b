// spawn [-1] CMD [ARG...] runs a program and prints what it and its children used;
// with -1, on one processor.
// The peak of memory would be the parent's if that were large: so this is small.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void stay_here(void)
{
	cpu_set_t here;
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here)) {
		perror("sched_setaffinity");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int status;
	struct rusage ru;
	double start;
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "-1")) {
		stay_here();
		argv++;
	}
	start = now();
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (!pid) {
		dup2(2, 1); // standard output is for the result
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &ru) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "%s: status %d\n", argv[1], status);
		return 1;
	}
	printf("{\"ns\":%.0f,\"elapsed\":%.0f,\"rss\":%.0f,\"allocs\":-1,\"bytes\":-1}\n",
	       (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e9 + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e3,
	       now() - start, ru.ru_maxrss * 1024.0);
	return 0;
}
