#include "import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../gzip.h"
#include "memory.h"
#include "progress.h"

enum { BLOCK_SIZE = 64 * 1024 };

struct import_file {
	const char *path;
	int fd;
	uint64_t total, taken; /* bytes of the file; total 0: unknown */
	uint64_t rows;
	struct gunzip *gunzip; /* NULL: not compressed */
	char packed[BLOCK_SIZE];
	struct text packed_rest;
	bool at_end, broken;
	struct body_stream *stream;
	struct progress progress;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool has_room, stopped;
};

static const struct {
	const char *word;
	enum media media;
} formats[] = {{"csv", MEDIA_CSV}, {"ndjson", MEDIA_NDJSON}, {"jsonl", MEDIA_NDJSON}, {"json", MEDIA_JSON}};

enum media import_media_by_word(const char *word)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(word, formats[i].word) == 0)
			return formats[i].media;
	return MEDIA_NONE;
}

static bool take_suffix(struct text *name, const char *suffix)
{
	size_t size = strlen(suffix);

	if (name->size <= size + 1 || name->data[name->size - size - 1] != '.' ||
	    memcmp(name->data + name->size - size, suffix, size) != 0)
		return false;
	name->size -= size + 1;
	return true;
}

struct import_name import_read_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct import_name name = {.stem = text_of(slash != NULL ? slash + 1 : path)};

	take_suffix(&name.stem, "gz");
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (take_suffix(&name.stem, formats[i].word)) {
			name.media = formats[i].media;
			break;
		}
	}
	return name;
}

/* The next bytes of the file as they lie there; 0 at its end or when it breaks off. */
static size_t read_packed(struct import_file *file)
{
	ssize_t got;

	do
		got = read(file->fd, file->packed, sizeof file->packed);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		fprintf(stderr, "plumbline: %s: %s\n", file->path, strerror(errno));
		file->broken = true;
	}
	file->at_end = got <= 0;
	file->taken += got > 0 ? (uint64_t)got : 0;
	file->packed_rest = (struct text){file->packed, got > 0 ? (size_t)got : 0};
	return file->packed_rest.size;
}

/* The next bytes of the text; 0 at its end or when it breaks off. */
static size_t read_text(struct import_file *file, char *to)
{
	while (!file->broken) {
		long got;

		if (file->gunzip == NULL) {
			size_t size = file->packed_rest.size;

			memcpy(to, file->packed, size);
			file->packed_rest.size = 0;
			if (size > 0 || read_packed(file) == 0)
				return size;
			continue;
		}
		got = gunzip_read(file->gunzip, &file->packed_rest, file->at_end, to, BLOCK_SIZE);
		if (got < 0) {
			fprintf(stderr, "plumbline: %s: the compressed file is broken\n", file->path);
			file->broken = true;
			return 0;
		}
		if (got > 0 || file->at_end)
			return (size_t)got;
		read_packed(file);
	}
	return 0;
}

struct import_file *import_file_open(const char *path)
{
	struct import_file *file = memory_zeroed(1, sizeof *file);
	struct stat state;

	file->path = strcmp(path, "-") == 0 ? "standard input" : path;
	file->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &state) != 0 || S_ISDIR(state.st_mode)) {
		fprintf(stderr, "plumbline: %s: %s\n", path, file->fd < 0 ? strerror(errno) : "cannot be read as a file");
		if (file->fd >= 0)
			close(file->fd);
		free(file);
		return NULL;
	}
	file->total = S_ISREG(state.st_mode) ? (uint64_t)state.st_size : 0;
	pthread_mutex_init(&file->mutex, NULL);
	pthread_cond_init(&file->changed, NULL);
	if (read_packed(file) >= 2 && memcmp(file->packed, "\x1F\x8B", 2) == 0)
		file->gunzip = gunzip_new();
	return file;
}

/* body_stream's reader made room. */
static void make_room(void *context)
{
	struct import_file *file = context;

	pthread_mutex_lock(&file->mutex);
	file->has_room = true;
	pthread_cond_signal(&file->changed);
	pthread_mutex_unlock(&file->mutex);
}

static bool is_stopped(struct import_file *file)
{
	bool stopped;

	pthread_mutex_lock(&file->mutex);
	stopped = file->stopped;
	pthread_mutex_unlock(&file->mutex);
	return stopped;
}

static void write_all(struct import_file *file, const char *data, size_t size)
{
	while (size > 0) {
		size_t taken = body_stream_write(file->stream, data, size);

		data += taken;
		size -= taken;
		if (size == 0)
			return;
		pthread_mutex_lock(&file->mutex);
		while (!file->has_room && !file->stopped)
			pthread_cond_wait(&file->changed, &file->mutex);
		file->has_room = false;
		pthread_mutex_unlock(&file->mutex);
	}
}

static void *feed(void *context)
{
	struct import_file *file = context;
	char *block = memory_take(BLOCK_SIZE);
	size_t size;

	while (!is_stopped(file) && (size = read_text(file, block)) > 0) {
		for (size_t i = 0; i < size; i++)
			file->rows += block[i] == '\n';
		write_all(file, block, size);
		progress_update(&file->progress, file->taken, file->rows);
	}
	if (file->broken)
		body_stream_fail(file->stream, ERR_INVALID_ENCODING);
	else
		body_stream_end(file->stream);
	free(block);
	return NULL;
}

struct body_stream *import_file_stream(struct import_file *file)
{
	const char *slash = strrchr(file->path, '/');

	file->stream = body_stream_new(false, make_room, file);
	progress_begin(&file->progress, slash != NULL ? slash + 1 : file->path, file->total);
	if (pthread_create(&file->thread, NULL, feed, file) != 0)
		abort();
	return file->stream;
}

bool import_file_read(struct import_file *file, size_t limit, struct buffer *out)
{
	char *block = memory_take(BLOCK_SIZE);
	size_t size;

	while (out->size <= limit && (size = read_text(file, block)) > 0)
		buffer_append(out, block, size);
	free(block);
	if (out->size > limit)
		fprintf(stderr, "plumbline: %s: a JSON array is held whole and may have %zu bytes; as NDJSON (an object a line) there is no limit\n",
			file->path, limit);
	return out->size <= limit && !file->broken;
}

bool import_file_close(struct import_file *file)
{
	bool sound;

	if (file == NULL)
		return true;
	if (file->stream != NULL) {
		body_stream_close(file->stream);
		pthread_mutex_lock(&file->mutex);
		file->stopped = true;
		pthread_cond_signal(&file->changed);
		pthread_mutex_unlock(&file->mutex);
		pthread_join(file->thread, NULL);
		body_stream_free(file->stream);
		progress_end(&file->progress);
	}
	sound = !file->broken;
	gunzip_free(file->gunzip);
	pthread_cond_destroy(&file->changed);
	pthread_mutex_destroy(&file->mutex);
	if (file->fd != STDIN_FILENO)
		close(file->fd);
	free(file);
	return sound;
}
