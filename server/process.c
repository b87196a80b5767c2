#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static long count_open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	long count = -3; /* ".", ".." and the directory itself */

	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

bool process_stats_read(struct process_stats *process)
{
	FILE *file = fopen("/proc/self/statm", "re");
	struct rlimit limit;
	struct rusage usage;
	long long pages;
	bool read;

	if (file == NULL)
		return false;
	read = fscanf(file, "%*d %lld", &pages) == 1;
	fclose(file);
	if (!read || getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	*process = (struct process_stats){
		.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
		.resident_bytes = pages * sysconf(_SC_PAGESIZE),
		.open_fds = count_open_fds(),
		.max_fds = (int64_t)limit.rlim_cur,
	};
	return true;
}

int64_t process_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return (int64_t)limit.rlim_cur;
}

uint64_t process_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
