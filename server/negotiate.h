/* Reading what a client offers and wants: content type, Accept, codings, origin, request id, trace. Pure functions. */
#ifndef PLUMBLINE_NEGOTIATE_H
#define PLUMBLINE_NEGOTIATE_H

#include <stdbool.h>

#include "request.h"

/* The media type of a body. A charset other than UTF-8 gives MEDIA_OTHER; absent gives MEDIA_NONE. */
enum media negotiate_media(struct text content_type);

/* The best of the offered formats (FORMAT_BIT_…) by Accept; absent Accept: the first offered. False: none is accepted. */
bool negotiate_format(struct text accept, unsigned offered, enum format *format);

/* "json", "csv", "ndjson" → format; false for other words. */
bool negotiate_format_word(struct text word, enum format *format);

bool negotiate_gzip(struct text accept_encoding); /* gzip, x-gzip or * with a weight above 0 */

/* Whether an origin is on the comma-separated list; "*" lets all pass. */
bool negotiate_origin(const char *origins, struct text origin);

/* Letters, digits, dot, underscore, hyphen; 1 to 128 of them. */
bool negotiate_request_id(struct text id);

/* W3C Trace Context: 00-<32 hex>-<16 hex>-<2 hex>, neither id all zero. */
bool negotiate_traceparent(struct text traceparent);

#endif
