/* The process as the kernel sees it: limits and figures. */
#ifndef PLUMBLINE_PROCESS_H
#define PLUMBLINE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process_stats {
	double cpu_s;
	int64_t resident_bytes;
	long open_fds;
	int64_t max_fds;
};

/* False where /proc is not there. */
bool process_stats_read(struct process_stats *process);

/* Raises the soft limit of open files to the hard one; returns what it is now. */
int64_t process_raise_file_limit(void);

uint64_t process_now_ns(void); /* monotonic clock */

#endif
