#include "alert_sender.h"

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "memory.h"
#include "outgoing.h"
#include "ready.h"
#include "seal.h"
#include "stats.h"
#include "webhook_signature.h"

enum { CONNECT_TIMEOUT_S = 5, STATEMENT_TIMEOUT_MS = 30000, PLACES = 8, LEASE_S = 60, IDLE_MS = 1000, GRACE_MS = 3000, SECRETS_MAX = 8 };

struct alert_sender {
	const struct settings *settings;
	const struct ready *ready;
	struct stats *stats;
	struct outgoing *outgoing;
	struct db *db;
	pthread_t thread;
	atomic_bool ended;
	bool again;           /* a call is over, or something was found: there may be more at once */
	int64_t look_at_ns;   /* when to look for work, if nothing happens */
};

/* A leased delivery. */
struct parcel {
	int org_id;
	char org[16], delivery[24], attempt[16];
	char endpoint[32];
};

/* ── what became of it ──────────────────────────────────────────────────────────────────────────── */

static void count(struct alert_sender *sender, struct text outcome)
{
	if (text_equal_string(outcome, "delivered"))
		stats_count(sender->stats, COUNTER_ALERTS_DELIVERED, 1);
	else if (text_equal_string(outcome, "retry"))
		stats_count(sender->stats, COUNTER_ALERTS_RETRIED, 1);
	else if (text_equal_string(outcome, "dead"))
		stats_count(sender->stats, COUNTER_ALERTS_DEAD, 1);
}

static void settle(struct alert_sender *sender, struct parcel *parcel, const struct outgoing_answer *answer)
{
	char status[16], wait_s[24];
	struct db_result *row = NULL;
	struct db_param params[] = {{.text = text_of(parcel->org)},
				    {.text = text_of(parcel->delivery)},
				    {.text = text_of(parcel->attempt)},
				    {.text = answer->status != 0 ? text_of(status) : (struct text){0}},
				    {.text = answer->error[0] != '\0' ? text_of(answer->error) : (struct text){0}},
				    {.text = answer->retry_after_s > 0 ? text_of(wait_s) : (struct text){0}}};

	snprintf(status, sizeof status, "%d", answer->status);
	snprintf(wait_s, sizeof wait_s, "%lld", (long long)answer->retry_after_s);
	for (size_t i = 0; i < sizeof params / sizeof *params; i++)
		params[i].text.size = params[i].text.data != NULL ? strlen(params[i].text.data) : 0;
	/* Unwritten, the lease runs out and it is sent again. */
	if (db_run(sender->db, STATEMENT_alert_delivery_settle, params, 6, DB_ONE, &row, NULL, NULL) == ERR_OK) {
		struct text outcome = db_value(row, 0, 0);

		count(sender, outcome);
		log_say(text_equal_string(outcome, "delivered") ? LOG_INFO : LOG_WARN, "alert_delivery",
			"organisation %s: d%s to %s, attempt %s: %.*s%s%s", parcel->org, parcel->delivery, parcel->endpoint, parcel->attempt,
			(int)outcome.size, outcome.data, answer->error[0] != '\0' ? ": " : "", answer->error);
	}
	db_result_free(row);
	free(parcel);
}

static void release(struct alert_sender *sender, struct parcel *parcel)
{
	struct db_param params[] = {{.text = text_of(parcel->org)}, {.text = text_of(parcel->delivery)}, {.text = text_of(parcel->attempt)}};

	(void)db_run(sender->db, STATEMENT_alert_delivery_release, params, 3, DB_NONE, NULL, NULL, NULL);
	free(parcel);
}

static void refuse(struct alert_sender *sender, struct parcel *parcel, const char *why)
{
	struct outgoing_answer answer = {.context = parcel};

	snprintf(answer.error, sizeof answer.error, "%s", why);
	settle(sender, parcel, &answer);
}

/* ── sending ────────────────────────────────────────────────────────────────────────────────────── */

/* A delivery as it was claimed; the texts are the answer's. */
struct claim {
	struct text message_id, body;
	struct buffer opened[SECRETS_MAX]; /* the address, then the secrets */
	size_t count;
};

static bool open_secrets(struct alert_sender *sender, const struct parcel *parcel, struct text list, struct claim *claim)
{
	json_t *kept = json_loadb(list.data, list.size, 0, NULL);
	char context[64];
	bool opened = true;

	snprintf(context, sizeof context, "alert-endpoint/%s", parcel->endpoint);
	for (size_t i = 0; i < json_array_size(kept) && claim->count < SECRETS_MAX; i++) {
		const json_t *one = json_array_get(kept, i);
		struct text text = {json_string_value(one), json_string_length(one)};

		opened = secret_open(sender->settings->secret_key, parcel->org_id, context, text, &claim->opened[claim->count++]) && opened;
	}
	json_decref(kept);
	return opened && claim->count >= 2;
}

static void forget(struct claim *claim)
{
	for (size_t i = 0; i < claim->count; i++) {
		if (claim->opened[i].size > 0)
			sodium_memzero(claim->opened[i].data, claim->opened[i].size);
		buffer_free(&claim->opened[i]);
	}
}

static void post(struct alert_sender *sender, struct parcel *parcel, const struct claim *claim)
{
	struct buffer signatures = {0}, id = {0}, timestamp = {0}, signature = {0};
	int64_t now_s = clock_unix_s();

	for (size_t i = 1; i < claim->count; i++)
		webhook_sign(buffer_text(&claim->opened[i]), claim->message_id, now_s, claim->body, &signatures);
	buffer_append_string(&id, "webhook-id: ");
	buffer_append_text(&id, claim->message_id);
	buffer_printf(&timestamp, "webhook-timestamp: %lld", (long long)now_s);
	buffer_append_string(&signature, "webhook-signature: ");
	buffer_append_text(&signature, buffer_text(&signatures));
	outgoing_post(sender->outgoing, buffer_text(&claim->opened[0]),
		      (const char *const[]){"Content-Type: application/json", id.data, timestamp.data, signature.data, NULL}, claim->body, parcel);
	buffer_free(&signatures);
	buffer_free(&id);
	buffer_free(&timestamp);
	buffer_free(&signature);
}

static void copy(char *to, size_t size, struct text text)
{
	snprintf(to, size, "%.*s", (int)text.size, text.data);
}

static void send_row(struct alert_sender *sender, struct text org, const struct db_result *rows, size_t row)
{
	struct parcel *parcel = memory_zeroed(1, sizeof *parcel);
	struct claim claim = {.message_id = db_value(rows, row, 3), .body = db_value(rows, row, 4)};

	copy(parcel->org, sizeof parcel->org, org);
	copy(parcel->delivery, sizeof parcel->delivery, db_value(rows, row, 0));
	copy(parcel->attempt, sizeof parcel->attempt, db_value(rows, row, 1));
	copy(parcel->endpoint, sizeof parcel->endpoint, db_value(rows, row, 2));
	parcel->org_id = (int)strtol(parcel->org, NULL, 10);
	if (open_secrets(sender, parcel, db_value(rows, row, 5), &claim))
		post(sender, parcel, &claim);
	else
		refuse(sender, parcel, "address and secrets do not open with PLUMBLINE_SECRET_KEY");
	forget(&claim);
}

/* Begins what is due of an organisation, as far as there are places. */
static void claim_for(struct alert_sender *sender, struct text org)
{
	char places[16], lease_s[16];
	struct db_result *rows = NULL;
	struct db_param params[] = {{.text = org}, {.text = {places, 0}}, {.text = {lease_s, 0}}};

	params[1].text.size = (size_t)snprintf(places, sizeof places, "%zu", outgoing_free_places(sender->outgoing));
	params[2].text.size = (size_t)snprintf(lease_s, sizeof lease_s, "%d", LEASE_S);
	if (db_run(sender->db, STATEMENT_alert_delivery_claim, params, 3, DB_MANY, &rows, NULL, NULL) != ERR_OK)
		return;
	for (size_t row = 0; row < db_rows(rows); row++)
		send_row(sender, org, rows, row);
	sender->again = sender->again || db_rows(rows) > 0;
	db_result_free(rows);
}

static void look(struct alert_sender *sender)
{
	struct db_result *orgs = NULL;

	sender->again = false;
	sender->look_at_ns = clock_monotonic_ns() + IDLE_MS * INT64_C(1000000);
	if (db_run(sender->db, STATEMENT_alert_delivery_orgs, NULL, 0, DB_MANY, &orgs, NULL, NULL) != ERR_OK)
		return;
	for (size_t row = 0; row < db_rows(orgs) && outgoing_free_places(sender->outgoing) > 0; row++)
		claim_for(sender, db_value(orgs, row, 0));
	db_result_free(orgs);
}

static void settle_all(struct alert_sender *sender)
{
	struct outgoing_answer answer;

	while (outgoing_take(sender->outgoing, &answer)) {
		settle(sender, answer.context, &answer);
		sender->again = true;
	}
}

/* Calls under way get a moment; the others are somebody else's. */
static void end(struct alert_sender *sender)
{
	int64_t until_ns = clock_monotonic_ns() + GRACE_MS * INT64_C(1000000);
	struct parcel *parcel;

	while (outgoing_free_places(sender->outgoing) < PLACES && clock_monotonic_ns() < until_ns) {
		settle_all(sender);
		outgoing_wait(sender->outgoing, 50);
	}
	while ((parcel = outgoing_break_off(sender->outgoing)) != NULL)
		release(sender, parcel);
}

static void *run(void *context)
{
	struct alert_sender *sender = context;

	sender->db = db_open(sender->settings->database_url, sender->settings->prepare, CONNECT_TIMEOUT_S);
	db_limit(sender->db, STATEMENT_TIMEOUT_MS);
	while (!atomic_load(&sender->ended)) {
		bool may_look = ready_state(sender->ready) == READY_YES && outgoing_free_places(sender->outgoing) > 0;

		if (may_look && (sender->again || clock_monotonic_ns() >= sender->look_at_ns))
			look(sender);
		settle_all(sender);
		outgoing_wait(sender->outgoing, may_look && sender->again ? 0 : IDLE_MS);
	}
	end(sender);
	db_close(sender->db);
	return NULL;
}

struct alert_sender *alert_sender_start(const struct settings *settings, const struct ready *ready, struct stats *stats)
{
	struct alert_sender *sender = memory_zeroed(1, sizeof *sender);

	sender->settings = settings;
	sender->ready = ready;
	sender->stats = stats;
	sender->outgoing = outgoing_new(settings, PLACES);
	if (sender->outgoing != NULL && pthread_create(&sender->thread, NULL, run, sender) == 0)
		return sender;
	outgoing_free(sender->outgoing);
	free(sender);
	return NULL;
}

void alert_sender_stop(struct alert_sender *sender)
{
	if (sender == NULL)
		return;
	atomic_store(&sender->ended, true);
	outgoing_wake(sender->outgoing);
	pthread_join(sender->thread, NULL);
	outgoing_free(sender->outgoing);
	free(sender);
}
