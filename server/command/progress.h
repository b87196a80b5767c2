/* A progress bar on standard error, when that is a terminal. */
#ifndef PLUMBLINE_PROGRESS_H
#define PLUMBLINE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *label;
	uint64_t total;             /* bytes; 0: unknown, then there is no bar and no time left */
	int64_t started_ns, drawn_ns;
	bool visible;               /* standard error is a terminal */
};

void progress_begin(struct progress *progress, const char *label, uint64_t total);
void progress_update(struct progress *progress, uint64_t bytes, uint64_t rows); /* draws ten times a second at most */
void progress_end(struct progress *progress);                                   /* wipes the bar */

/* The bar as text, for width columns: "accounts.csv [####----]  50%  1200 rows/s  0:07 left". */
void progress_draw(char *to, int width, const char *label, uint64_t total, uint64_t bytes, uint64_t rows, double elapsed_s);

#endif
