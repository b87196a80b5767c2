/* Settings: one row each in settings.c. Flags win over the environment, the environment over the defaults. */
#ifndef PLUMBLINE_SETTINGS_H
#define PLUMBLINE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "text.h"

/* All strings are owned by the struct and never NULL ("" when unset). Sizes are in bytes, times in the unit of the name. */
struct settings {
	char *database_url;
	char *database_read_url;       /* hot standby for reads; "" = the same database */
	char *listen;                  /* address:port of the API */
	char *admin_listen;            /* address:port of health and metrics; "" = none */
	char *public_url;              /* scheme://host of the API as others call it, without a slash at its end; "" = not told */
	char *secret_key;              /* 64 hexadecimal digits that seal what the database keeps secret; "" = kept as it is */
	int64_t workers;
	int64_t exports;               /* sent at a time while they are read; beyond it 503 */
	int64_t watchers;              /* streams of events open at a time; beyond it 503 */
	int64_t export_timeout_s;      /* of a whole export */
	int64_t queue;                 /* requests that may wait for a worker */
	int64_t batch;                 /* events a group commit takes at most, or one delivery */
	int64_t body_max;              /* of a body collected whole, also after decompression */
	int64_t memory_max;            /* of all bodies held at a time */
	bool prepare;                  /* named prepared statements; off behind PgBouncer in transaction mode */
	int64_t statement_timeout_ms;
	char *cors_origins;            /* comma separated; "*" = any; "" = none */
	int64_t rate_limit;            /* reads a minute a key; 0 = no limit */
	int64_t session_hours;
	int64_t key_tries;             /* wrong keys a minute an address; 0 = no limit */
	char *trusted_proxies;         /* networks whose X-Forwarded-For is believed; "" = none */
	char *tls_cert, *tls_key;      /* paths; both or none */
	int64_t connections;           /* open connections to the API; beyond it 503 */
	int64_t header_timeout_s, body_timeout_s, idle_timeout_s;
	int64_t drain_timeout_s, drain_delay_s;
	int64_t cache_max;             /* bytes of answers kept in memory; 0 = none */
	int64_t gauge_interval_s;      /* alignment gauges are read again after it; 0 = not at all */
	bool gauge_reps;               /* gauges of single reps too, where the organisation allows it */
	int64_t alert_interval_s;      /* between evaluations of the thresholds; 0 = none */
	int64_t alert_hold;            /* evaluations in a row that a change of status must hold to be told */
	bool alert_private;            /* endpoints may have private addresses */
	bool alert_http;               /* endpoints on this machine may be plain HTTP */
	char *alert_ca;                /* path of the authorities that endpoints' certificates are held to; "" = the system's */
	bool gzip;
	bool migrate;                  /* serve: bring the schema up to date first */
	enum log_level log_level;
};

/* The values from defaults, environment and flags. Flags of settings ("--listen 0.0.0.0:8080", "--listen=…") are taken out
 * of argv (argc and argv are changed); the rest stays for the command. Everything wrong is added to faults, a sentence a
 * line; the struct is usable (defaults) all the same and is to be freed. env: "NAME=value" strings ending in NULL. */
void settings_load(struct settings *settings, int *argc, char **argv, char *const *env, struct buffer *faults);
void settings_free(struct settings *settings);

/* The name of the settings flag nearest to "--lisen", without its dashes; NULL when none is near. */
const char *settings_nearest_flag(const char *flag);

void settings_help(FILE *to);                                     /* the table of all settings */
void settings_print(const struct settings *settings, FILE *to);   /* NAME=value lines, secrets masked */
void settings_log(const struct settings *settings);               /* one log line with what differs from the defaults */

/* Splits "host:port", "[v6]:port" or ":port"; false when it cannot be. host needs 256 bytes. */
bool settings_split_address(const char *address, char *host, uint16_t *port);

/* A database URL or conninfo with its password replaced by ***. */
void settings_mask_url(const char *url, struct buffer *to);

#endif
