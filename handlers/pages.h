/* What browsers load: the dashboard at /, the API reference at /docs. The files are built into the binary (tools/embed_files.py):
 * those of $(BUILD)/web, and where it has none, those of handlers/pages. */
#ifndef PLUMBLINE_PAGES_H
#define PLUMBLINE_PAGES_H

#include "request.h"

struct page_file {
	const char *path;           /* "/", "/docs", "/assets/main-1a2b3c4d.js" */
	const char *content_type;
	const char *etag;           /* of the content, without quotes */
	bool immutable;             /* its name holds a hash of its content: it never has to be asked for again */
	struct text content;        /* a gzip file, if that is smaller */
	bool is_gzip;
};

extern const struct page_file page_files[];
extern const size_t page_files_count;

/* GET of one of them: by the route's path, or the folder it names and the name in the request. */
enum err page_get(struct request *request, struct reply *reply);

#endif
