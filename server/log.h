/* Log: logfmt lines to standard error. A line is put together on the caller's stack, handed over in one piece and written
 * whole by one writer thread, so that a slow or blocked standard error never holds up a request.
 *
 * The log is one a process; between log_open and log_close every function may be called from any thread. Before log_open
 * lines are written at once by the caller (start-up faults, tests). Values are escaped: no byte from outside can start a
 * new line or a new key. Never hand it a key, a password, a signature or a body. */
#ifndef PLUMBLINE_LOG_H
#define PLUMBLINE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_LINE_MAX = 4096 }; /* bytes with the line feed: one atomic write to a pipe; longer lines are cut at a value */

/* A line in the making; lives on the stack between log_begin and log_end. */
struct log_line {
	char data[LOG_LINE_MAX];
	size_t size;
	bool wanted; /* false: the level is switched off and all calls do nothing */
};

void log_open(enum log_level level, int fd); /* starts the writer thread */
void log_close(void);                        /* writes what waits, stops the writer */
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);
uint64_t log_dropped(void); /* lines lost because the reader of the log was too slow */

void log_begin(struct log_line *line, enum log_level level, const char *msg); /* msg: a word, snake_case */
void log_text(struct log_line *line, const char *key, struct text value);     /* absent or empty: left out */
void log_string(struct log_line *line, const char *key, const char *value);   /* NULL or "": left out */
void log_int(struct log_line *line, const char *key, int64_t value);
void log_decimal(struct log_line *line, const char *key, double value);       /* not negative; three decimals */
void log_end(struct log_line *line);

/* The short form: ts=… level=error msg=database_lost detail="…" */
void log_say(enum log_level level, const char *msg, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
