#include "outgoing.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "memory.h"

enum { CONNECT_TIMEOUT_MS = 10000, ANSWER_MAX = 64 * 1024 };

/* A call under way. */
struct call {
	CURL *easy;                       /* NULL: the place is free */
	struct curl_slist *headers;
	void *context;
	const char *fault;                /* found before it began */
	enum address_rule rule;
	bool refused;                     /* an address was */
	size_t received;
	char error[CURL_ERROR_SIZE];
};

struct outgoing {
	const struct settings *settings;
	CURLM *multi;
	size_t limit;
	struct call calls[];
};

/* ── addresses ──────────────────────────────────────────────────────────────────────────────────── */

static char *url_part(CURLU *parsed, CURLUPart part)
{
	char *value = NULL;

	return curl_url_get(parsed, part, &value, 0) == CURLUE_OK ? value : NULL;
}

static const char *parsed_fault(const struct settings *settings, CURLU *parsed, const char *scheme, const char *host)
{
	char *user = url_part(parsed, CURLUPART_USER), *password = url_part(parsed, CURLUPART_PASSWORD);
	bool has_user = user != NULL || password != NULL;
	bool is_local = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 || strncmp(host, "127.", 4) == 0;

	curl_free(user);
	curl_free(password);
	if (has_user)
		return "must hold no user and no password";
	if (strcmp(scheme, "https") == 0)
		return NULL;
	if (strcmp(scheme, "http") != 0 || !settings->alert_http)
		return "must begin with https://";
	return is_local ? NULL : "must begin with https://: plain http is for this machine only";
}

const char *outgoing_url_fault(const struct settings *settings, struct text url, struct buffer *shown)
{
	struct buffer copy = {0};
	CURLU *parsed = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	const char *fault = "is no address like https://hooks.example.com/plumbline";

	if (parsed == NULL)
		abort();
	buffer_append_text(&copy, url);
	if (url.size > 0 && memchr(url.data, ' ', url.size) == NULL && memchr(url.data, '#', url.size) == NULL &&
	    curl_url_set(parsed, CURLUPART_URL, copy.data, 0) == CURLUE_OK) {
		scheme = url_part(parsed, CURLUPART_SCHEME);
		host = url_part(parsed, CURLUPART_HOST);
		port = url_part(parsed, CURLUPART_PORT);
	}
	if (scheme != NULL && host != NULL)
		fault = parsed_fault(settings, parsed, scheme, host);
	if (fault == NULL && shown != NULL)
		buffer_printf(shown, "%s://%s%s%s/***", scheme, host, port != NULL ? ":" : "", port != NULL ? port : "");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	buffer_free(&copy);
	return fault;
}

/* Of the address itself, whatever name led to it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = context;

	if (purpose != CURLSOCKTYPE_IPCXN || !address_allowed(&address->addr, call->rule)) {
		call->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ── calls ──────────────────────────────────────────────────────────────────────────────────────── */

/* Of head and body alike: counted, not kept; too much of it ends the call. */
static size_t receive(char *data, size_t one, size_t size, void *context)
{
	struct call *call = context;

	(void)data;
	(void)one;
	call->received += size;
	return call->received <= ANSWER_MAX ? size : 0;
}

static void free_place(struct outgoing *outgoing, struct call *call)
{
	curl_multi_remove_handle(outgoing->multi, call->easy);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	*call = (struct call){0};
}

#define SET(option, value) failed = curl_easy_setopt(call->easy, option, value) != CURLE_OK || failed

static void set_limits(struct call *call, const struct settings *settings, bool is_plain)
{
	bool failed = false;

	SET(CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, call);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)OUTGOING_TIMEOUT_MS);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (settings->alert_ca[0] != '\0')
		SET(CURLOPT_CAINFO, settings->alert_ca);
	/* What cannot be limited must not begin. */
	if (failed)
		abort();
}

static void set_content(struct call *call, const char *url, struct text body)
{
	bool failed = false;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "plumbline/" PLUMBLINE_VERSION);
	SET(CURLOPT_HTTPHEADER, call->headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
	SET(CURLOPT_COPYPOSTFIELDS, body.data);
	SET(CURLOPT_WRITEFUNCTION, receive);
	SET(CURLOPT_WRITEDATA, call);
	SET(CURLOPT_HEADERFUNCTION, receive);
	SET(CURLOPT_HEADERDATA, call);
	SET(CURLOPT_ERRORBUFFER, call->error);
	SET(CURLOPT_PRIVATE, call);
	if (failed)
		abort();
}

static struct call *free_call(struct outgoing *outgoing)
{
	for (size_t i = 0; i < outgoing->limit; i++)
		if (outgoing->calls[i].easy == NULL)
			return &outgoing->calls[i];
	abort();
}

void outgoing_post(struct outgoing *outgoing, struct text url, const char *const *headers, struct text body, void *context)
{
	struct call *call = free_call(outgoing);
	const struct settings *settings = outgoing->settings;
	struct buffer copy = {0};
	bool is_plain;

	*call = (struct call){.easy = curl_easy_init(), .context = context};
	if (call->easy == NULL)
		abort();
	call->fault = outgoing_url_fault(settings, url, NULL);
	if (call->fault != NULL)
		return;
	buffer_append_text(&copy, url);
	is_plain = strncasecmp(copy.data, "https:", 6) != 0;
	call->rule = is_plain ? ADDRESS_LOOPBACK : settings->alert_private ? ADDRESS_PRIVATE : ADDRESS_PUBLIC;
	for (size_t i = 0; headers[i] != NULL; i++)
		call->headers = curl_slist_append(call->headers, headers[i]);
	call->headers = curl_slist_append(call->headers, "Expect:");
	if (call->headers == NULL)
		abort();
	set_limits(call, settings, is_plain);
	set_content(call, copy.data, body);
	if (curl_multi_add_handle(outgoing->multi, call->easy) != CURLM_OK)
		abort();
	buffer_free(&copy);
}

static void read_answer(const struct call *call, CURLcode code, struct outgoing_answer *answer)
{
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	answer->context = call->context;
	answer->retry_after_s = retry_after;
	/* A status that came counts, also when the rest of the answer does not end. */
	if (status >= 200) {
		answer->status = (int)status;
		if (status >= 300)
			snprintf(answer->error, sizeof answer->error, status < 400 ? "answered %ld: redirects are not followed" : "answered %ld", status);
	} else if (call->refused) {
		snprintf(answer->error, sizeof answer->error, "the host has an address that must not be called: not one of the Internet");
	} else if (code == CURLE_PEER_FAILED_VERIFICATION && call->error[0] != '\0') {
		snprintf(answer->error, sizeof answer->error, "%.150s", call->error);
	} else {
		snprintf(answer->error, sizeof answer->error, "%s", curl_easy_strerror(code));
	}
}

/* One whose address is wrong never began. */
static bool take_faulty(struct outgoing *outgoing, struct outgoing_answer *answer)
{
	for (size_t i = 0; i < outgoing->limit; i++) {
		struct call *call = &outgoing->calls[i];

		if (call->easy == NULL || call->fault == NULL)
			continue;
		*answer = (struct outgoing_answer){.context = call->context};
		snprintf(answer->error, sizeof answer->error, "the address %s", call->fault);
		curl_easy_cleanup(call->easy);
		*call = (struct call){0};
		return true;
	}
	return false;
}

bool outgoing_take(struct outgoing *outgoing, struct outgoing_answer *answer)
{
	CURLMsg *message;
	int left;

	if (take_faulty(outgoing, answer))
		return true;
	curl_multi_perform(outgoing->multi, &left);
	while ((message = curl_multi_info_read(outgoing->multi, &left)) != NULL) {
		struct call *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		*answer = (struct outgoing_answer){0};
		read_answer(call, message->data.result, answer);
		free_place(outgoing, call);
		return true;
	}
	return false;
}

void *outgoing_break_off(struct outgoing *outgoing)
{
	for (size_t i = 0; i < outgoing->limit; i++) {
		void *context = outgoing->calls[i].context;

		if (outgoing->calls[i].easy == NULL)
			continue;
		free_place(outgoing, &outgoing->calls[i]);
		return context;
	}
	return NULL;
}

size_t outgoing_free_places(const struct outgoing *outgoing)
{
	size_t count = 0;

	for (size_t i = 0; i < outgoing->limit; i++)
		count += outgoing->calls[i].easy == NULL;
	return count;
}

void outgoing_wait(struct outgoing *outgoing, int ms)
{
	curl_multi_poll(outgoing->multi, NULL, 0, ms, NULL);
}

void outgoing_wake(struct outgoing *outgoing)
{
	curl_multi_wakeup(outgoing->multi);
}

struct outgoing *outgoing_new(const struct settings *settings, size_t limit)
{
	struct outgoing *outgoing;

	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_take, free, memory_grown, memory_string, memory_zeroed) != CURLE_OK)
		return NULL;
	outgoing = memory_zeroed(1, sizeof *outgoing + limit * sizeof *outgoing->calls);
	outgoing->settings = settings;
	outgoing->limit = limit;
	outgoing->multi = curl_multi_init();
	if (outgoing->multi == NULL)
		abort();
	return outgoing;
}

void outgoing_free(struct outgoing *outgoing)
{
	if (outgoing == NULL)
		return;
	for (size_t i = 0; i < outgoing->limit; i++)
		if (outgoing->calls[i].easy != NULL)
			free_place(outgoing, &outgoing->calls[i]);
	curl_multi_cleanup(outgoing->multi);
	curl_global_cleanup();
	free(outgoing);
}
