/* A file as the body of a bulk write: opened, unpacked, fed into a body_stream by a thread of its own. */
#ifndef PLUMBLINE_IMPORT_FILE_H
#define PLUMBLINE_IMPORT_FILE_H

#include "../body_stream.h"
#include "../request.h"

/* What a file's name says: "accounts.csv.gz" → accounts, MEDIA_CSV. media MEDIA_NONE: nothing. */
struct import_name {
	struct text stem;
	enum media media;
};

struct import_name import_read_name(const char *path);
enum media import_media_by_word(const char *word); /* "csv", "ndjson", "jsonl", "json"; else MEDIA_NONE */

struct import_file;

/* "-" is standard input. gzip is recognised by content. NULL after having said on standard error why it cannot be read. */
struct import_file *import_file_open(const char *path);

/* The reading end for a handler; a progress bar shows how far it is. Call once. */
struct body_stream *import_file_stream(struct import_file *file);

/* Or all of it, for JSON arrays: false when it is larger than limit or cannot be read; said on standard error. */
bool import_file_read(struct import_file *file, size_t limit, struct buffer *out);

/* Ends the thread, also when not all was read. False when the file could not be read to its end. NULL allowed (true). */
bool import_file_close(struct import_file *file);

#endif
