#include "settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "peer.h"

enum kind {
	KIND_URL,     /* a connection string with a password in it: also read from the file named by <ENV>_FILE, never shown */
	KIND_SECRET,  /* 32 bytes in hexadecimal: read from a file likewise, never shown */
	KIND_ORIGIN,  /* http:// or https://, a host and maybe a path; kept without a slash at its end */
	KIND_ADDRESS, /* host:port */
	KIND_NETWORKS, /* addresses and networks, comma separated */
	KIND_TEXT,
	KIND_FILE,    /* a path that has to be readable */
	KIND_NUMBER,
	KIND_SIZE,    /* bytes, with K, M or G behind for KiB, MiB, GiB */
	KIND_SWITCH,  /* on or off */
	KIND_LEVEL    /* of the log */
};

struct setting {
	const char *name; /* flag: --name */
	const char *env;
	enum kind kind;
	size_t offset;
	const char *fallback;
	int64_t min, max;
	const char *unit;
	const char *summary;
};

#define AT(member) .offset = offsetof(struct settings, member)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const struct setting rows[] = {
	{.name = "database-url", .env = "DATABASE_URL", .kind = KIND_URL, AT(database_url), .fallback = "",
	 .summary = "PostgreSQL to use, as postgresql://user:password@host/name; also read from the file named by DATABASE_URL_FILE"},
	{.name = "database-read-url", .env = "PLUMBLINE_DATABASE_READ_URL", .kind = KIND_URL, AT(database_read_url), .fallback = "",
	 .summary = "hot standby for reads; empty: the same database"},
	{.name = "listen", .env = "PLUMBLINE_LISTEN", .kind = KIND_ADDRESS, AT(listen), .fallback = "127.0.0.1:8080",
	 .summary = "address of the API"},
	{.name = "admin-listen", .env = "PLUMBLINE_ADMIN_LISTEN", .kind = KIND_ADDRESS, AT(admin_listen), .fallback = "127.0.0.1:8081",
	 .summary = "address of /healthz, /readyz and /metrics; off: none"},
	{.name = "public-url", .env = "PLUMBLINE_PUBLIC_URL", .kind = KIND_ORIGIN, AT(public_url), .fallback = "",
	 .summary = "address under which senders of webhooks reach the API, such as https://plumbline.example.com: some sign it"},
	{.name = "secret-key", .env = "PLUMBLINE_SECRET_KEY", .kind = KIND_SECRET, AT(secret_key), .fallback = "",
	 .summary = "64 hexadecimal digits that seal the secrets of sources and alert endpoints in the database; also read from the file named by PLUMBLINE_SECRET_KEY_FILE; empty: they are stored as they are"},
	{.name = "workers", .env = "PLUMBLINE_WORKERS", .kind = KIND_NUMBER, AT(workers), .fallback = "4",
	 .min = 1, .max = 256, .unit = "threads",
	 .summary = "requests worked on at a time, each with a PostgreSQL connection"},
	{.name = "queue", .env = "PLUMBLINE_QUEUE", .kind = KIND_NUMBER, AT(queue), .fallback = "1024",
	 .min = 1, .max = 1000000, .unit = "requests",
	 .summary = "requests that may wait; more are answered 503 at once"},
	{.name = "exports", .env = "PLUMBLINE_EXPORTS", .kind = KIND_NUMBER, AT(exports), .fallback = "4",
	 .min = 1, .max = 64, .unit = "exports",
	 .summary = "complete CSV and NDJSON answers sent at a time, each with a PostgreSQL connection; more are answered 503"},
	{.name = "watchers", .env = "PLUMBLINE_WATCHERS", .kind = KIND_NUMBER, AT(watchers), .fallback = "256",
	 .min = 1, .max = 10000, .unit = "streams",
	 .summary = "streams of a job's events open at a time; more are answered 503"},
	{.name = "export-timeout", .env = "PLUMBLINE_EXPORT_TIMEOUT", .kind = KIND_NUMBER, AT(export_timeout_s), .fallback = "900",
	 .min = 1, .max = 86400, .unit = "s",
	 .summary = "longest time of one export, a slow reader included; then it is broken off"},
	{.name = "batch", .env = "PLUMBLINE_BATCH", .kind = KIND_NUMBER, AT(batch), .fallback = "1024",
	 .min = 1, .max = 10000, .unit = "events",
	 .summary = "events written together at most; a delivery is not divided"},
	{.name = "body-max", .env = "PLUMBLINE_BODY_MAX", .kind = KIND_SIZE, AT(body_max), .fallback = "16M",
	 .min = 1 * KIB, .max = 1 * GIB, .unit = "bytes",
	 .summary = "largest body that is not streamed, also after decompression"},
	{.name = "memory-max", .env = "PLUMBLINE_MEMORY_MAX", .kind = KIND_SIZE, AT(memory_max), .fallback = "256M",
	 .min = 1 * MIB, .max = 64 * GIB, .unit = "bytes",
	 .summary = "memory for all bodies being received together; more are answered 503"},
	{.name = "prepare", .env = "PLUMBLINE_PREPARE", .kind = KIND_SWITCH, AT(prepare), .fallback = "on",
	 .summary = "named prepared statements; off behind PgBouncer in transaction mode"},
	{.name = "statement-timeout", .env = "PLUMBLINE_STATEMENT_TIMEOUT", .kind = KIND_NUMBER, AT(statement_timeout_ms), .fallback = "30000",
	 .min = 10, .max = 3600000, .unit = "ms",
	 .summary = "longest time of one statement"},
	{.name = "cors-origins", .env = "PLUMBLINE_CORS_ORIGINS", .kind = KIND_TEXT, AT(cors_origins), .fallback = "",
	 .summary = "origins whose pages may call the API, comma separated; * for any"},
	{.name = "rate-limit", .env = "PLUMBLINE_RATE_LIMIT", .kind = KIND_NUMBER, AT(rate_limit), .fallback = "60000",
	 .min = 0, .max = 1000000000, .unit = "reads a minute",
	 .summary = "reads a key may make; 0: no limit"},
	{.name = "session-hours", .env = "PLUMBLINE_SESSION_HOURS", .kind = KIND_NUMBER, AT(session_hours), .fallback = "8",
	 .min = 1, .max = 168, .unit = "h",
	 .summary = "longest time a browser stays signed in; never longer than its key works"},
	{.name = "key-tries", .env = "PLUMBLINE_KEY_TRIES", .kind = KIND_NUMBER, AT(key_tries), .fallback = "60",
	 .min = 0, .max = 1000000, .unit = "wrong keys a minute",
	 .summary = "wrong API keys an address may try before it is answered 429; keys that have been right are served all the same; 0: no limit"},
	{.name = "trusted-proxies", .env = "PLUMBLINE_TRUSTED_PROXIES", .kind = KIND_NETWORKS, AT(trusted_proxies), .fallback = "",
	 .summary = "addresses and networks of proxies, comma separated, whose X-Forwarded-For and X-Forwarded-Proto say who calls, and whether by HTTPS; empty: none is believed"},
	{.name = "tls-cert", .env = "PLUMBLINE_TLS_CERT", .kind = KIND_FILE, AT(tls_cert), .fallback = "",
	 .summary = "certificate chain in PEM; with tls-key it makes the API speak HTTPS"},
	{.name = "tls-key", .env = "PLUMBLINE_TLS_KEY", .kind = KIND_FILE, AT(tls_key), .fallback = "",
	 .summary = "private key in PEM"},
	{.name = "connections", .env = "PLUMBLINE_CONNECTIONS", .kind = KIND_NUMBER, AT(connections), .fallback = "4096",
	 .min = 1, .max = 1000000, .unit = "connections",
	 .summary = "open connections to the API; requests on more are answered 503"},
	{.name = "header-timeout", .env = "PLUMBLINE_HEADER_TIMEOUT", .kind = KIND_NUMBER, AT(header_timeout_s), .fallback = "10",
	 .min = 1, .max = 3600, .unit = "s",
	 .summary = "time for the head of a request to arrive"},
	{.name = "body-timeout", .env = "PLUMBLINE_BODY_TIMEOUT", .kind = KIND_NUMBER, AT(body_timeout_s), .fallback = "30",
	 .min = 1, .max = 3600, .unit = "s",
	 .summary = "time for a body to arrive; bodies that keep coming at 4 KiB/s get more"},
	{.name = "idle-timeout", .env = "PLUMBLINE_IDLE_TIMEOUT", .kind = KIND_NUMBER, AT(idle_timeout_s), .fallback = "60",
	 .min = 1, .max = 3600, .unit = "s",
	 .summary = "a connection without traffic is closed after it"},
	{.name = "drain-timeout", .env = "PLUMBLINE_DRAIN_TIMEOUT", .kind = KIND_NUMBER, AT(drain_timeout_s), .fallback = "30",
	 .min = 1, .max = 3600, .unit = "s",
	 .summary = "time for requests in flight to finish after SIGTERM"},
	{.name = "drain-delay", .env = "PLUMBLINE_DRAIN_DELAY", .kind = KIND_NUMBER, AT(drain_delay_s), .fallback = "0",
	 .min = 0, .max = 600, .unit = "s",
	 .summary = "after SIGTERM: time with /readyz at 503 before connections are refused"},
	{.name = "cache-max", .env = "PLUMBLINE_CACHE_MAX", .kind = KIND_SIZE, AT(cache_max), .fallback = "64M",
	 .min = 0, .max = 64 * GIB, .unit = "bytes",
	 .summary = "answers kept in memory; 0: none"},
	{.name = "gauge-interval", .env = "PLUMBLINE_GAUGE_INTERVAL", .kind = KIND_NUMBER, AT(gauge_interval_s), .fallback = "60",
	 .min = 0, .max = 86400, .unit = "s",
	 .summary = "time after which the alignment gauges of /metrics are read again where data changed; 0: no such gauges"},
	{.name = "gauge-reps", .env = "PLUMBLINE_GAUGE_REPS", .kind = KIND_SWITCH, AT(gauge_reps), .fallback = "off",
	 .summary = "alignment gauges of single reps in /metrics, where the organisation's rep_metrics is on"},
	{.name = "alert-interval", .env = "PLUMBLINE_ALERT_INTERVAL", .kind = KIND_NUMBER, AT(alert_interval_s), .fallback = "900",
	 .min = 0, .max = 86400, .unit = "s",
	 .summary = "the thresholds of the strategies are evaluated again after it; 0: never"},
	{.name = "alert-hold", .env = "PLUMBLINE_ALERT_HOLD", .kind = KIND_NUMBER, AT(alert_hold), .fallback = "3",
	 .min = 1, .max = 1000, .unit = "evaluations",
	 .summary = "evaluations in a row that a change of status must hold before it is an alert"},
	{.name = "alert-private", .env = "PLUMBLINE_ALERT_PRIVATE", .kind = KIND_SWITCH, AT(alert_private), .fallback = "off",
	 .summary = "alerts may be sent to private addresses and to this machine"},
	{.name = "alert-http", .env = "PLUMBLINE_ALERT_HTTP", .kind = KIND_SWITCH, AT(alert_http), .fallback = "off",
	 .summary = "alerts may be sent over plain HTTP to this machine, for development"},
	{.name = "alert-ca", .env = "PLUMBLINE_ALERT_CA", .kind = KIND_FILE, AT(alert_ca), .fallback = "",
	 .summary = "certificate authorities in PEM that receivers of alerts are held to; empty: the system's"},
	{.name = "gzip", .env = "PLUMBLINE_GZIP", .kind = KIND_SWITCH, AT(gzip), .fallback = "on",
	 .summary = "compress answers above 1 KiB for clients that accept it"},
	{.name = "migrate", .env = "PLUMBLINE_MIGRATE", .kind = KIND_SWITCH, AT(migrate), .fallback = "off",
	 .summary = "serve: bring the schema up to date before listening"},
	{.name = "log-level", .env = "PLUMBLINE_LOG_LEVEL", .kind = KIND_LEVEL, AT(log_level), .fallback = "info",
	 .summary = "error, warn, info or debug"},
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const level_words[] = {"error", "warn", "info", "debug"};

static bool is_string(enum kind kind)
{
	return kind == KIND_URL || kind == KIND_SECRET || kind == KIND_ORIGIN || kind == KIND_ADDRESS || kind == KIND_NETWORKS || kind == KIND_TEXT || kind == KIND_FILE;
}

static void *member(struct settings *settings, const struct setting *row)
{
	return (char *)settings + row->offset;
}

static const void *member_const(const struct settings *settings, const struct setting *row)
{
	return (const char *)settings + row->offset;
}

bool settings_split_address(const char *address, char *host, uint16_t *port)
{
	const char *colon = strrchr(address, ':');
	const char *start = address;
	size_t size;
	char *end;
	unsigned long number;

	if (colon == NULL || !isdigit((unsigned char)colon[1]))
		return false;
	size = (size_t)(colon - address);
	if (size >= 2 && address[0] == '[' && colon[-1] == ']') {
		start++;
		size -= 2;
	} else if (memchr(address, ':', size) != NULL) {
		return false; /* IPv6 without brackets is ambiguous */
	}
	errno = 0;
	number = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || errno != 0 || number > 65535 || size > 255)
		return false;
	memcpy(host, start, size);
	host[size] = '\0';
	*port = (uint16_t)number;
	return true;
}

static bool read_number(const struct setting *row, const char *value, int64_t *number)
{
	char *end;
	long long read;
	int64_t unit = 1;

	errno = 0;
	read = strtoll(value, &end, 10);
	if (end == value || errno != 0 || isspace((unsigned char)value[0]))
		return false;
	if (row->kind == KIND_SIZE && *end != '\0') {
		unit = *end == 'K' ? KIB : *end == 'M' ? MIB : *end == 'G' ? GIB : 0;
		end++;
	}
	if (*end != '\0' || unit == 0 || read > row->max / unit || read < 0)
		return false;
	*number = read * unit;
	return *number >= row->min && *number <= row->max;
}

/* Which of the words, or -1. */
static int find_word(const char *value, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -1;
}

static void set_string(struct settings *settings, const struct setting *row, const char *value)
{
	char **string = member(settings, row);
	char *copy = memory_string(value);

	free(*string);
	*string = copy;
}

static bool set_number(struct settings *settings, const struct setting *row, const char *value, struct buffer *faults,
		       const char *origin)
{
	int64_t number;

	if (!read_number(row, value, &number)) {
		buffer_printf(faults, "%s: \"%s\" is not a number of %s from %lld to %lld\n", origin, value, row->unit,
			      (long long)row->min, (long long)row->max);
		return false;
	}
	*(int64_t *)member(settings, row) = number;
	return true;
}

static void set_switch(struct settings *settings, const struct setting *row, const char *value, struct buffer *faults,
		       const char *origin)
{
	static const char *const words[] = {"off", "on", "false", "true", "0", "1"};
	int word = find_word(value, words, 6);

	if (word < 0)
		buffer_printf(faults, "%s: \"%s\" is neither on nor off\n", origin, value);
	else
		*(bool *)member(settings, row) = word % 2 == 1;
}

static void set_level(struct settings *settings, const char *value, struct buffer *faults, const char *origin)
{
	int word = find_word(value, level_words, 4);
	int near;

	if (word >= 0) {
		settings->log_level = (enum log_level)word;
		return;
	}
	near = text_nearest(text_of(value), level_words, 4);
	buffer_printf(faults, "%s: \"%s\" is not error, warn, info or debug%s%s%s\n", origin, value,
		      near >= 0 ? "; did you mean \"" : "", near >= 0 ? level_words[near] : "", near >= 0 ? "\"?" : "");
}

static void set_origin(struct settings *settings, const struct setting *row, const char *value, struct buffer *faults, const char *origin)
{
	size_t size = strlen(value);
	char kept[512];

	if (size > 0 && ((strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0) || value[strcspn(value, "?# ")] != '\0' ||
			 size >= sizeof kept))
		buffer_printf(faults, "%s: \"%s\" is not an address like https://plumbline.example.com\n", origin, value);
	size = size < sizeof kept ? size : sizeof kept - 1;
	memcpy(kept, value, size);
	while (size > 0 && kept[size - 1] == '/')
		size--;
	kept[size] = '\0';
	set_string(settings, row, kept);
}

/* Checks and stores one value. origin names where it came from: "PLUMBLINE_LISTEN" or "--listen". */
static void set(struct settings *settings, const struct setting *row, const char *value, const char *origin, struct buffer *faults)
{
	struct peers networks;
	char host[256];
	uint16_t port;

	switch (row->kind) {
	case KIND_NUMBER:
	case KIND_SIZE:
		set_number(settings, row, value, faults, origin);
		return;
	case KIND_SWITCH:
		set_switch(settings, row, value, faults, origin);
		return;
	case KIND_LEVEL:
		set_level(settings, value, faults, origin);
		return;
	case KIND_ADDRESS:
		if (strcmp(value, "off") == 0 && strcmp(row->name, "admin-listen") == 0)
			value = "";
		else if (!settings_split_address(value, host, &port))
			buffer_printf(faults, "%s: \"%s\" is not an address like 127.0.0.1:8080 or [::1]:8080\n", origin, value);
		break;
	case KIND_NETWORKS:
		if (!peers_parse(value, &networks))
			buffer_printf(faults, "%s: \"%s\" is not a list of addresses and networks like 127.0.0.1, 10.0.0.0/8, fd00::/8\n", origin, value);
		break;
	case KIND_FILE:
		if (value[0] != '\0' && access(value, R_OK) != 0)
			buffer_printf(faults, "%s: cannot read %s: %s\n", origin, value, strerror(errno));
		break;
	case KIND_SECRET:
		if (value[0] != '\0' && (strlen(value) != 64 || value[strspn(value, "0123456789abcdefABCDEF")] != '\0'))
			buffer_printf(faults, "%s: is not 64 hexadecimal digits; make some with: openssl rand -hex 32\n", origin);
		break;
	case KIND_ORIGIN:
		set_origin(settings, row, value, faults, origin);
		return;
	case KIND_URL:
	case KIND_TEXT:
		break;
	}
	set_string(settings, row, value);
}

static const char *find_env(char *const *env, const char *name)
{
	size_t size = strlen(name);

	for (; *env != NULL; env++)
		if (strncmp(*env, name, size) == 0 && (*env)[size] == '=')
			return *env + size + 1;
	return NULL;
}

/* A secret kept in a file, as container platforms hand them over; a line feed at the end does not belong to it. */
static void set_from_file(struct settings *settings, const struct setting *row, const char *path, struct buffer *faults)
{
	char value[4096];
	FILE *file = fopen(path, "re");
	size_t size;

	if (file == NULL) {
		buffer_printf(faults, "%s_FILE: cannot read %s: %s\n", row->env, path, strerror(errno));
		return;
	}
	size = fread(value, 1, sizeof value - 1, file);
	fclose(file);
	value[size] = '\0';
	value[strcspn(value, "\r\n")] = '\0';
	set(settings, row, value, row->env, faults);
}

static bool is_from_file(const struct setting *row)
{
	return row->kind == KIND_URL || row->kind == KIND_SECRET;
}

/* <ENV>_FILE of a setting that can come from a file. */
static bool names_a_file(struct text variable)
{
	static const char suffix[] = "_FILE";
	size_t size = sizeof suffix - 1;

	if (variable.size <= size || memcmp(variable.data + variable.size - size, suffix, size) != 0)
		return false;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (is_from_file(&rows[i]) && text_equal_string((struct text){variable.data, variable.size - size}, rows[i].env))
			return true;
	return false;
}

/* A PLUMBLINE_ variable that is no setting but nearly one is a slip of the pen; others belong to somebody else. */
static void check_unknown_env(char *const *env, struct buffer *faults)
{
	static const char prefix[] = "PLUMBLINE_";
	const char *names[ROW_COUNT];
	size_t count = 0;

	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strncmp(rows[i].env, prefix, sizeof prefix - 1) == 0)
			names[count++] = rows[i].env + sizeof prefix - 1;
	for (; *env != NULL; env++) {
		const char *rest = *env + sizeof prefix - 1;
		struct text name;
		int near;

		if (strncmp(*env, prefix, sizeof prefix - 1) != 0 || names_a_file((struct text){*env, strcspn(*env, "=")}))
			continue;
		name = (struct text){rest, strcspn(rest, "=")};
		near = text_nearest(name, names, count);
		if (near >= 0 && !text_equal_string(name, names[near]))
			buffer_printf(faults, "%s%.*s: there is no such setting; did you mean %s%s?\n", prefix, (int)name.size,
				      rest, prefix, names[near]);
	}
}

static void read_env(struct settings *settings, char *const *env, struct buffer *faults)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *value = find_env(env, rows[i].env);
		char file_name[64];

		if (value != NULL && value[0] != '\0') {
			set(settings, &rows[i], value, rows[i].env, faults);
			continue;
		}
		if (!is_from_file(&rows[i]))
			continue;
		snprintf(file_name, sizeof file_name, "%s_FILE", rows[i].env);
		value = find_env(env, file_name);
		if (value != NULL && value[0] != '\0')
			set_from_file(settings, &rows[i], value, faults);
	}
	check_unknown_env(env, faults);
}

static const struct setting *find_flag(const char *flag, const char **value)
{
	size_t size = strcspn(flag, "=");

	*value = flag[size] == '=' ? flag + size + 1 : NULL;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strlen(rows[i].name) == size && strncmp(rows[i].name, flag, size) == 0)
			return &rows[i];
	return NULL;
}

/* Sets what one flag says; returns how many arguments it took. */
static int take_flag(struct settings *settings, const struct setting *row, const char *value, const char *next, struct buffer *faults)
{
	char origin[64];
	int taken = 1;

	snprintf(origin, sizeof origin, "--%s", row->name);
	if (value == NULL && row->kind == KIND_SWITCH) {
		bool said = next != NULL && (strcmp(next, "on") == 0 || strcmp(next, "off") == 0);

		value = said ? next : "on";
		taken += said;
	} else if (value == NULL) {
		if (next == NULL) {
			buffer_printf(faults, "%s: a value is missing\n", origin);
			return taken;
		}
		value = next;
		taken++;
	}
	set(settings, row, value, origin, faults);
	return taken;
}

static void read_flags(struct settings *settings, int *argc, char **argv, struct buffer *faults)
{
	int kept = 1, i = 1;

	while (i < *argc) {
		const struct setting *row = NULL;
		const char *value = NULL;

		if (strcmp(argv[i], "--") == 0)
			break;
		if (strncmp(argv[i], "--", 2) == 0)
			row = find_flag(argv[i] + 2, &value);
		if (row == NULL)
			argv[kept++] = argv[i++];
		else
			i += take_flag(settings, row, value, i + 1 < *argc ? argv[i + 1] : NULL, faults);
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
}

const char *settings_nearest_flag(const char *flag)
{
	const char *names[ROW_COUNT];
	const char *name = flag + strspn(flag, "-");
	int near;

	for (size_t i = 0; i < ROW_COUNT; i++)
		names[i] = rows[i].name;
	near = text_nearest((struct text){name, strcspn(name, "=")}, names, ROW_COUNT);
	return near >= 0 ? names[near] : NULL;
}

void settings_load(struct settings *settings, int *argc, char **argv, char *const *env, struct buffer *faults)
{
	struct buffer none = {0};

	*settings = (struct settings){0};
	for (size_t i = 0; i < ROW_COUNT; i++)
		set(settings, &rows[i], rows[i].fallback, rows[i].env, rows[i].fallback[0] != '\0' ? faults : &none);
	buffer_free(&none);
	read_env(settings, env, faults);
	read_flags(settings, argc, argv, faults);
	if ((settings->tls_cert[0] == '\0') != (settings->tls_key[0] == '\0'))
		buffer_append_string(faults, "PLUMBLINE_TLS_CERT and PLUMBLINE_TLS_KEY: both are needed, or none\n");
	if (settings->admin_listen[0] != '\0' && strcmp(settings->listen, settings->admin_listen) == 0)
		buffer_append_string(faults, "PLUMBLINE_LISTEN and PLUMBLINE_ADMIN_LISTEN: two addresses are needed\n");
	if (settings->memory_max < settings->body_max)
		buffer_append_string(faults, "PLUMBLINE_MEMORY_MAX: is smaller than PLUMBLINE_BODY_MAX\n");
}

void settings_free(struct settings *settings)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (is_string(rows[i].kind))
			free(*(char **)member(settings, &rows[i]));
	*settings = (struct settings){0};
}

void settings_mask_url(const char *url, struct buffer *to)
{
	const char *scheme = strstr(url, "://");
	const char *word;

	if (scheme != NULL) {
		const char *host = scheme + 3 + strcspn(scheme + 3, "/?");
		const char *at = memrchr(scheme + 3, '@', (size_t)(host - scheme - 3));
		const char *colon = at != NULL ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;

		if (colon != NULL) {
			buffer_append(to, url, (size_t)(colon + 1 - url));
			buffer_append_string(to, "***");
			url = at;
		}
	}
	/* password=… as a query parameter or a word of a conninfo string; a quoted one may hold spaces */
	while ((word = strstr(url, "password=")) != NULL) {
		const char *value = word + strlen("password=");

		buffer_append(to, url, (size_t)(value - url));
		buffer_append_string(to, "***");
		url = value + (*value == '\'' ? 1 + strcspn(value + 1, "'") : strcspn(value, " &"));
		url += *url == '\'';
	}
	buffer_append_string(to, url);
}

/* The value as it would be given. */
static void show(const struct settings *settings, const struct setting *row, struct buffer *to)
{
	switch (row->kind) {
	case KIND_URL:
		settings_mask_url(*(char *const *)member_const(settings, row), to);
		break;
	case KIND_SECRET:
		buffer_append_string(to, (*(char *const *)member_const(settings, row))[0] != '\0' ? "***" : "");
		break;
	case KIND_ORIGIN:
	case KIND_ADDRESS:
	case KIND_NETWORKS:
	case KIND_TEXT:
	case KIND_FILE:
		buffer_append_string(to, *(char *const *)member_const(settings, row));
		break;
	case KIND_NUMBER:
	case KIND_SIZE:
		buffer_printf(to, "%lld", (long long)*(const int64_t *)member_const(settings, row));
		break;
	case KIND_SWITCH:
		buffer_append_string(to, *(const bool *)member_const(settings, row) ? "on" : "off");
		break;
	case KIND_LEVEL:
		buffer_append_string(to, level_words[settings->log_level]);
		break;
	}
}

void settings_print(const struct settings *settings, FILE *to)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct buffer value = {0};

		show(settings, &rows[i], &value);
		fprintf(to, "%s=%s\n", rows[i].env, buffer_text(&value).data);
		buffer_free(&value);
	}
}

void settings_log(const struct settings *settings)
{
	struct settings standard;
	struct buffer ignored = {0};
	struct log_line line;
	char *no_env[] = {NULL}, *no_arguments[] = {NULL, NULL};
	int argc = 1;

	settings_load(&standard, &argc, no_arguments, no_env, &ignored);
	log_begin(&line, LOG_INFO, "settings");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct buffer value = {0}, usual = {0};

		show(settings, &rows[i], &value);
		show(&standard, &rows[i], &usual);
		if (!text_equal(buffer_text(&value), buffer_text(&usual)))
			log_text(&line, rows[i].env, buffer_text(&value));
		buffer_free(&value);
		buffer_free(&usual);
	}
	log_end(&line);
	settings_free(&standard);
	buffer_free(&ignored);
}

void settings_help(FILE *to)
{
	fprintf(to, "Settings, as flag or environment variable (flags win):\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct setting *row = &rows[i];

		fprintf(to, "  --%s, %s\n      %s", row->name, row->env, row->summary);
		if (row->unit != NULL)
			fprintf(to, " (%s)", row->unit);
		if (row->fallback[0] != '\0')
			fprintf(to, "; default %s", row->fallback);
		fputc('\n', to);
	}
}
