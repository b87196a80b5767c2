#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../clock.h"

enum { BAR_CELLS = 24, LINE_MAX_SIZE = 512, DRAW_EVERY_NS = 100000000 };

void progress_begin(struct progress *progress, const char *label, uint64_t total)
{
	*progress = (struct progress){.label = label, .total = total, .started_ns = clock_monotonic_ns(), .visible = isatty(STDERR_FILENO)};
}

void progress_draw(char *to, int width, const char *label, uint64_t total, uint64_t bytes, uint64_t rows, double elapsed_s)
{
	char line[LINE_MAX_SIZE], bar[BAR_CELLS + 1];
	double part = total > 0 ? (double)bytes / (double)total : 0;
	double left_s = part > 0 ? elapsed_s * (1 - part) / part : 0;
	double rate = elapsed_s > 0 ? (double)rows / elapsed_s : 0;
	int filled;

	part = part > 1 ? 1 : part;
	filled = (int)(part * BAR_CELLS);
	memset(bar, '-', BAR_CELLS);
	memset(bar, '#', (size_t)filled);
	bar[BAR_CELLS] = '\0';
	if (total > 0)
		snprintf(line, sizeof line, "%s [%s] %3.0f%%  %.0f rows/s  %d:%02d left", label, bar, part * 100, rate, (int)left_s / 60,
			 (int)left_s % 60);
	else
		snprintf(line, sizeof line, "%s  %llu rows  %.0f rows/s", label, (unsigned long long)rows, rate);
	snprintf(to, (size_t)width + 1, "%s", line);
}

static int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		return 80;
	return size.ws_col < LINE_MAX_SIZE ? size.ws_col : LINE_MAX_SIZE - 1;
}

void progress_update(struct progress *progress, uint64_t bytes, uint64_t rows)
{
	int64_t now = clock_monotonic_ns();
	char line[LINE_MAX_SIZE];

	if (!progress->visible || now - progress->drawn_ns < DRAW_EVERY_NS)
		return;
	progress->drawn_ns = now;
	progress_draw(line, terminal_width() - 1, progress->label, progress->total, bytes, rows, (double)(now - progress->started_ns) / 1e9);
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->visible && progress->drawn_ns != 0)
		fprintf(stderr, "\r\033[K");
}
