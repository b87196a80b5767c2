/* plumbline serve: starts everything in the order in which it depends on each other, waits for SIGTERM, ends it in reverse. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../alert_runner.h"
#include "../alert_sender.h"
#include "../gauges.h"
#include "../http.h"
#include "../job_runner.h"
#include "../process.h"
#include "../ready.h"
#include "../schema.h"
#include "../stats.h"
#include "command.h"

/* A listener on a thread of its own. */
struct listener {
	struct http *http;
	pthread_t thread;
	bool running;
	atomic_bool over; /* its loop has returned */
	bool sound;
};

struct server {
	struct service service;
	struct worker_pool *pool;
	struct gauges *gauges;
	struct job_runner *jobs;
	struct alert_runner *alerts;
	struct alert_sender *sender;
	struct listener api, admin;
};

static void *run_listener(void *context)
{
	struct listener *listener = context;

	listener->sound = http_run(listener->http);
	atomic_store(&listener->over, true);
	return NULL;
}

static bool start_listener(struct listener *listener, const struct http_config *config)
{
	struct buffer fault = {0};

	listener->http = http_new(config, &fault);
	if (listener->http != NULL)
		listener->running = pthread_create(&listener->thread, NULL, run_listener, listener) == 0;
	if (listener->running)
		log_say(LOG_INFO, "listening", "%s on %s, port %u", config->name, config->address, (unsigned)http_port(listener->http));
	else
		log_say(LOG_ERROR, "start_failed", "%s", fault.size > 0 ? fault.data : "no thread can be had");
	buffer_free(&fault);
	return listener->running;
}

/* Returns whether its loop ended as it should. */
static bool join_listener(struct listener *listener)
{
	if (!listener->running)
		return true;
	pthread_join(listener->thread, NULL);
	listener->running = false;
	return listener->sound;
}

static void say_migration(const char *sentence)
{
	log_say(LOG_INFO, "migrate", "%s", sentence);
}

/* A schema that is known to be wrong stops the start; a database that is away does not: it may come back. */
static bool prepare_schema(const struct settings *settings)
{
	struct db *db = db_open(settings->database_url, false, 10);
	struct buffer detail = {0};
	enum schema_state state = SCHEMA_CURRENT;
	enum err err = settings->migrate ? schema_migrate(db, say_migration, &detail) : ERR_OK;
	bool fine = err == ERR_OK;

	if (fine && schema_check(db, &state, &detail) == ERR_OK && state != SCHEMA_CURRENT)
		fine = false;
	if (!fine)
		log_say(LOG_ERROR, "schema", "%s%s", detail.size > 0 ? detail.data : error_info(err)->title,
			state == SCHEMA_OLD ? "; run: plumbline migrate" : "");
	buffer_free(&detail);
	db_close(db);
	return fine;
}

static bool start(struct server *server, const struct settings *settings)
{
	struct http_config api = {
		.name = "api", .address = settings->listen, .tls_cert = settings->tls_cert, .tls_key = settings->tls_key,
		.connections = settings->connections, .routes = routes, .route_count = routes_count, .service = &server->service,
	};
	struct http_config admin = {
		.name = "admin", .address = settings->admin_listen, .tls_cert = "", .tls_key = "", .connections = 256,
		.routes = admin_routes, .route_count = admin_routes_count, .service = &server->service, .quiet = true,
	};

	server->service.settings = settings;
	server->service.stats = stats_new(routes, routes_count);
	server->service.ready = ready_start(settings, server->service.stats);
	server->service.handlers = handlers_start(settings, server->service.stats);
	server->pool = worker_pool_start(settings, server->service.stats);
	server->jobs = server->service.ready != NULL ? job_runner_start(settings, server->service.ready) : NULL;
	server->sender = server->service.ready != NULL ? alert_sender_start(settings, server->service.ready, server->service.stats) : NULL;
	if (server->jobs == NULL || server->pool == NULL || server->sender == NULL) {
		log_say(LOG_ERROR, "start_failed", "no threads can be had");
		return false;
	}
	server->alerts = alert_runner_start(settings, server->service.ready, server->service.stats);
	server->gauges = gauges_start(settings, server->service.ready, server->service.stats);
	api.pool = server->pool;
	/* First the one that serves: who reads on the other that the service is ready sends requests at once. */
	if (!start_listener(&server->api, &api))
		return false;
	return settings->admin_listen[0] == '\0' || start_listener(&server->admin, &admin);
}

/* The signal that came within the time, 0 for none. */
static int wait_signal(const sigset_t *signals, long wait_ms)
{
	struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};

	int signal = sigtimedwait(signals, NULL, &wait);

	return signal > 0 ? signal : 0;
}

static void end_at_once(void)
{
	log_say(LOG_WARN, "stopped", "second signal: at once");
	log_close();
	_exit(EXIT_FAILED);
}

/* Waits for the loop of a listener to return; a second signal ends the process. */
static void wait_for_drain(struct listener *listener, const sigset_t *signals)
{
	while (listener->running && !atomic_load(&listener->over))
		if (wait_signal(signals, 20))
			end_at_once();
}

/* The order matters: first load balancers see /readyz fail, then no more connections, then the answers under way, then the
 * workers, and last the listener that tells about all this. */
static bool stop(struct server *server, const sigset_t *signals)
{
	bool sound;

	if (server->pool != NULL)
		worker_pool_cancel(server->pool);
	worker_pool_stop(server->pool);
	if (server->api.running)
		http_drain(server->api.http); /* when the other listener could not be started */
	if (server->admin.running)
		http_drain(server->admin.http);
	wait_for_drain(&server->admin, signals);
	sound = join_listener(&server->admin);
	sound = join_listener(&server->api) && sound;
	http_free(server->api.http);
	http_free(server->admin.http);
	job_runner_stop(server->jobs);
	alert_runner_stop(server->alerts);
	alert_sender_stop(server->sender);
	gauges_stop(server->gauges);
	ready_stop(server->service.ready);
	handlers_stop(server->service.handlers);
	stats_free(server->service.stats);
	return sound;
}

/* Until a signal ends the service, true, or its loop is over. Once it drains, nothing is read again: SIGHUP waits unheard. */
static bool wait_for_end(struct server *server, const sigset_t *signals)
{
	sigset_t also_reload = *signals;
	int signal;

	sigaddset(&also_reload, SIGHUP);
	while ((signal = wait_signal(&also_reload, 200)) == 0 || signal == SIGHUP) {
		if (atomic_load(&server->api.over))
			return false;
		if (signal == SIGHUP)
			http_reload(server->api.http);
	}
	return true;
}

static void serve(struct server *server, const sigset_t *signals)
{
	if (!wait_for_end(server, signals))
		return;
	log_say(LOG_INFO, "draining", "%zu requests may wait, no new connections after %lld s",
		worker_queue_depth(server->pool), (long long)server->service.settings->drain_delay_s);
	ready_drain(server->service.ready);
	if (server->service.settings->drain_delay_s > 0 && wait_signal(signals, server->service.settings->drain_delay_s * 1000))
		end_at_once();
	http_drain(server->api.http);
	wait_for_drain(&server->api, signals);
}

static int run(const struct settings *settings, int argc, char **argv, const struct buffer *faults)
{
	struct server server = {0};
	sigset_t signals, blocked;
	bool sound;

	(void)faults;
	if (command_no_arguments(&command_serve, argc, argv) != EXIT_OK)
		return EXIT_USAGE;
	/* Blocked in all threads, taken by this one. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	blocked = signals;
	sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	log_open(settings->log_level, STDERR_FILENO);
	(void)process_raise_file_limit();
	settings_log(settings);
	sound = prepare_schema(settings) && start(&server, settings);
	if (sound)
		serve(&server, &signals);
	sound = stop(&server, &signals) && sound;
	log_say(LOG_INFO, "stopped", "%s", sound ? "all requests answered" : "not as it should");
	log_close();
	return sound ? EXIT_OK : EXIT_FAILED;
}

const struct command command_serve = {
	.name = "serve",
	.usage = "[--migrate] [SETTING…]",
	.summary = "Serves the API until SIGTERM.",
	.details = "SIGTERM and SIGINT: /readyz says 503, no more connections are taken, requests under way are finished (at most\n"
		   "drain-timeout), exit code 0. A second one ends the process at once.\n"
		   "SIGHUP: certificate and key are read again; connections stay.",
	.needs_database = true,
	.run = run,
};
