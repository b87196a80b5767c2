#include "pages.h"

#include <string.h>

#include "route.h"

/* Scripts and styles of our own only, no frames, no outside requests: what gets into a page by mistake does nothing. */
#define POLICY "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

static bool is_asked_for(const struct request *request, const struct page_file *file)
{
	const char *pattern = request->route->path, *brace = strchr(pattern, '{');
	size_t folder = brace != NULL ? (size_t)(brace - pattern) : strlen(pattern);

	if (strncmp(file->path, pattern, folder) != 0)
		return false;
	return brace != NULL ? text_equal_string(request->path_params[0], file->path + folder) : file->path[folder] == '\0';
}

enum err page_get(struct request *request, struct reply *reply)
{
	const struct page_file *file = page_files, *end = page_files + page_files_count;

	while (file < end && !is_asked_for(request, file))
		file++;
	if (file == end)
		return reply_error(reply, ERR_NOT_FOUND, "there is no file of this name");
	if (file->is_gzip)
		reply_packed(reply, file->content);
	else
		reply->fixed = file->content;
	reply->content_type = file->content_type;
	strncpy(reply->etag, file->etag, sizeof reply->etag - 1);
	reply->cache_control = file->immutable ? "public, max-age=31536000, immutable" : "no-cache";
	/* The viewer of the reference draws its icons from data: addresses. */
	reply_header(reply, "Content-Security-Policy",
		     strncmp(file->path, "/docs", 5) == 0 ? POLICY "; img-src 'self' data:" : POLICY);
	reply_header(reply, "Referrer-Policy", "no-referrer");
	reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
	reply_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
	reply_header(reply, "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
	return ERR_OK;
}
