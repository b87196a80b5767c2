#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_BUFFER_SIZE = 1 << 20, /* lines that wait for a slow reader; what comes on top is dropped and counted */
	GATHER_MS = 10             /* the writer waits this long for company: one wake-up for many lines under load */
};

/* The log of the process. `waiting` is filled by everybody under the mutex; the writer swaps it against `writing`. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	pthread_t writer;
	char *waiting, *writing;
	size_t waiting_size;
	int fd;
	bool running, stopping;
	_Atomic enum log_level level;
	_Atomic uint64_t dropped;
} the_log = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .fd = STDERR_FILENO, .level = LOG_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Writes all of data; gives up on errors other than "try again", since there is nowhere to report them. */
static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written > 0) {
			data += written;
			size -= (size_t)written;
		} else if (written < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			(void)poll(&wait, 1, 1000);
		} else if (written == 0 || errno != EINTR) {
			return;
		}
	}
}

/* Whole lines, at most LOG_LINE_MAX bytes a write: one such write to a pipe is atomic, whoever else writes there. */
static void write_lines(int fd, const char *data, size_t size)
{
	while (size > 0) {
		size_t piece = size;

		if (piece > LOG_LINE_MAX) {
			piece = LOG_LINE_MAX;
			while (data[piece - 1] != '\n')
				piece--;
		}
		write_all(fd, data, piece);
		data += piece;
		size -= piece;
	}
}

/* Called and left with the mutex held. */
static void gather(void)
{
	struct timespec pause = {.tv_nsec = GATHER_MS * 1000000L};

	if (the_log.stopping)
		return;
	pthread_mutex_unlock(&the_log.mutex);
	nanosleep(&pause, NULL);
	pthread_mutex_lock(&the_log.mutex);
}

static void *run_writer(void *unused)
{
	uint64_t reported = 0;

	(void)unused;
	pthread_mutex_lock(&the_log.mutex);
	while (!the_log.stopping || the_log.waiting_size > 0) {
		char *lines = the_log.waiting;
		size_t size = the_log.waiting_size;
		uint64_t dropped = atomic_load(&the_log.dropped);

		if (size == 0) {
			pthread_cond_wait(&the_log.filled, &the_log.mutex);
			gather();
			continue;
		}
		the_log.waiting = the_log.writing;
		the_log.writing = lines;
		the_log.waiting_size = 0;
		pthread_mutex_unlock(&the_log.mutex);
		write_lines(the_log.fd, lines, size);
		if (dropped != reported) {
			log_say(LOG_WARN, "log_lines_dropped", "%llu lines so far", (unsigned long long)dropped);
			reported = dropped;
		}
		pthread_mutex_lock(&the_log.mutex);
	}
	pthread_mutex_unlock(&the_log.mutex);
	return NULL;
}

void log_open(enum log_level level, int fd)
{
	log_set_level(level);
	the_log.fd = fd;
	the_log.stopping = false;
	the_log.waiting = malloc(LOG_BUFFER_SIZE);
	the_log.writing = malloc(LOG_BUFFER_SIZE);
	if (the_log.waiting != NULL && the_log.writing != NULL)
		the_log.running = pthread_create(&the_log.writer, NULL, run_writer, NULL) == 0;
}

void log_close(void)
{
	pthread_mutex_lock(&the_log.mutex);
	the_log.stopping = true;
	pthread_cond_signal(&the_log.filled);
	pthread_mutex_unlock(&the_log.mutex);
	if (the_log.running)
		pthread_join(the_log.writer, NULL);
	the_log.running = false;
	free(the_log.waiting);
	free(the_log.writing);
	the_log.waiting = the_log.writing = NULL;
}

void log_set_level(enum log_level level)
{
	atomic_store(&the_log.level, level);
}

bool log_wants(enum log_level level)
{
	return level <= atomic_load_explicit(&the_log.level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
	return atomic_load(&the_log.dropped);
}

/* Adds raw bytes, keeping room for the line feed; false when they do not fit. */
static bool add(struct log_line *line, const char *data, size_t size)
{
	if (size > LOG_LINE_MAX - 1 - line->size)
		return false;
	memcpy(line->data + line->size, data, size);
	line->size += size;
	return true;
}

static bool add_string(struct log_line *line, const char *string)
{
	return add(line, string, strlen(string));
}

static bool is_bare(unsigned char c)
{
	return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
}

/* A quoted value: quotes and backslashes escaped, control characters as \xNN, other bytes only when the text is UTF-8. */
static void add_quoted(struct log_line *line, struct text value)
{
	bool utf8 = text_is_clean_utf8(value);

	/* Room for the closing quote stays free. */
	add_string(line, "\"");
	for (size_t i = 0; i < value.size && line->size < LOG_LINE_MAX - 8; i++) {
		unsigned char c = (unsigned char)value.data[i];
		char escape[8];

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof escape, "\\%c", c);
		else if (c == '\n')
			snprintf(escape, sizeof escape, "\\n");
		else if (c < ' ' || c == 0x7F || (c >= 0x80 && !utf8))
			snprintf(escape, sizeof escape, "\\x%02x", (unsigned)c);
		else
			snprintf(escape, sizeof escape, "%c", c);
		add_string(line, escape);
	}
	add_string(line, "\"");
}

void log_text(struct log_line *line, const char *key, struct text value)
{
	bool bare = true;

	if (!line->wanted || value.size == 0)
		return;
	/* A key without room for a value would look like one that is empty. */
	if (strlen(key) + 16 > LOG_LINE_MAX - line->size)
		return;
	add_string(line, " ");
	add_string(line, key);
	add_string(line, "=");
	for (size_t i = 0; i < value.size && bare; i++)
		bare = is_bare((unsigned char)value.data[i]);
	if (!bare || !add(line, value.data, value.size))
		add_quoted(line, value);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
	log_text(line, key, text_of(value));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	char digits[24];
	char *at = digits + sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		*--at = '-';
	log_text(line, key, (struct text){at, (size_t)(digits + sizeof digits - at)});
}

void log_decimal(struct log_line *line, const char *key, double value)
{
	char digits[32];
	uint64_t thousandths = value > 0 && value < 1e15 ? (uint64_t)(value * 1000 + 0.5) : 0;
	char *at = digits + sizeof digits;

	for (int i = 0; i < 5 || thousandths > 0; i++) {
		if (i == 3) {
			*--at = '.';
			continue;
		}
		*--at = (char)('0' + thousandths % 10);
		thousandths /= 10;
	}
	log_text(line, key, (struct text){at, (size_t)(digits + sizeof digits - at)});
}

void log_begin(struct log_line *line, enum log_level level, const char *msg)
{
	/* A second's text serves all lines of that second: it costs more than the rest of a line. */
	static _Thread_local char second[32];
	static _Thread_local time_t second_of = -1;
	struct timespec now;
	struct tm utc;
	long ms;

	line->size = 0;
	line->wanted = log_wants(level);
	if (!line->wanted)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second_of) {
		gmtime_r(&now.tv_sec, &utc);
		strftime(second, sizeof second, "ts=%Y-%m-%dT%H:%M:%S", &utc);
		second_of = now.tv_sec;
	}
	ms = now.tv_nsec / 1000000;
	add_string(line, second);
	add(line, (char[]){'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'}, 5);
	log_string(line, "level", level_names[level]);
	log_string(line, "msg", msg);
}

void log_end(struct log_line *line)
{
	if (!line->wanted)
		return;
	line->data[line->size++] = '\n';
	pthread_mutex_lock(&the_log.mutex);
	if (!the_log.running) {
		write_all(the_log.fd, line->data, line->size);
	} else if (line->size > LOG_BUFFER_SIZE - the_log.waiting_size) {
		atomic_fetch_add(&the_log.dropped, 1);
	} else {
		/* The writer sleeps only on an empty buffer. */
		if (the_log.waiting_size == 0)
			pthread_cond_signal(&the_log.filled);
		memcpy(the_log.waiting + the_log.waiting_size, line->data, line->size);
		the_log.waiting_size += line->size;
	}
	pthread_mutex_unlock(&the_log.mutex);
}

void log_say(enum log_level level, const char *msg, const char *format, ...)
{
	struct log_line line;
	char detail[2048];
	va_list arguments;

	log_begin(&line, level, msg);
	if (!line.wanted)
		return;
	va_start(arguments, format);
	vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	log_string(&line, "detail", detail);
	log_end(&line);
}
