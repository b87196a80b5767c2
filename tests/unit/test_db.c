/* The database module against a scripted libpq: every way an answer can fail. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db.h"
#include "fake_pq.h"
#include "request.h"

/* ── binary arrays ────────────────────────────────────────────────────────────────────────────── */

START_TEST(array_bytes)
{
	static const unsigned char expected[] = {
		0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 4, 0, 0, 0, 1, /* one dimension, nulls, text, four, from 1 */
		0, 0, 0, 1, 'a', 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 3, '{', '"', '\\',
	};
	struct db_array array = {0};
	struct db_param param;

	db_array_add(&array, TEXT("a"));
	db_array_add(&array, (struct text){0});
	db_array_add(&array, TEXT(""));
	db_array_add(&array, TEXT("{\"\\"));
	param = db_array_param(&array);
	ck_assert(param.is_array);
	ck_assert_uint_eq(param.text.size, sizeof expected);
	ck_assert_mem_eq(param.text.data, expected, sizeof expected);
	db_array_free(&array);
	ck_assert_int_eq(array.count, 0);
}
END_TEST

START_TEST(array_without_nulls_or_elements)
{
	static const unsigned char empty[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25};
	struct db_array array = {0};
	struct db_param param = db_array_param(&array);

	ck_assert_uint_eq(param.text.size, sizeof empty);
	ck_assert_mem_eq(param.text.data, empty, sizeof empty);
	db_array_add(&array, TEXT("x"));
	param = db_array_param(&array);
	ck_assert_msg(param.text.data[7] == 0, "the has-null flag is set without a null");
	db_array_free(&array);
}
END_TEST

/* ── SQLSTATE ─────────────────────────────────────────────────────────────────────────────────── */

static const struct {
	const char *sqlstate;
	enum err err;
} sqlstate_cases[] = {
	{"", ERR_DATABASE_UNAVAILABLE},      {"08006", ERR_DATABASE_UNAVAILABLE}, {"57P01", ERR_DATABASE_UNAVAILABLE},
	{"57P03", ERR_DATABASE_UNAVAILABLE}, {"57014", ERR_DATABASE_TIMEOUT},     {"55P03", ERR_DATABASE_TIMEOUT},
	{"53300", ERR_DATABASE_UNAVAILABLE}, {"53100", ERR_DATABASE_UNAVAILABLE}, {"40001", ERR_DATABASE_UNAVAILABLE},
	{"40P01", ERR_DATABASE_UNAVAILABLE}, {"25006", ERR_DATABASE_UNAVAILABLE}, {"25P03", ERR_DATABASE_TIMEOUT},
	{"25001", ERR_INTERNAL},             {"23505", ERR_CONFLICT},             {"23514", ERR_VALIDATION_FAILED},
	{"22P02", ERR_VALIDATION_FAILED},    {"21000", ERR_VALIDATION_FAILED},    {"54000", ERR_VALIDATION_FAILED},
	{"42P01", ERR_INTERNAL},             {"42883", ERR_INTERNAL},             {"XX000", ERR_INTERNAL},
	{"P0001", ERR_INTERNAL},             {"28P01", ERR_DATABASE_UNAVAILABLE}, {"3D000", ERR_DATABASE_UNAVAILABLE},
	{"58030", ERR_DATABASE_UNAVAILABLE},
};

START_TEST(sqlstates)
{
	ck_assert_msg(db_sqlstate_error(sqlstate_cases[_i].sqlstate) == sqlstate_cases[_i].err, "%s gave %s, not %s",
		      sqlstate_cases[_i].sqlstate, error_info(db_sqlstate_error(sqlstate_cases[_i].sqlstate))->code,
		      error_info(sqlstate_cases[_i].err)->code);
}
END_TEST

START_TEST(transient_sqlstates)
{
	ck_assert(db_sqlstate_is_transient("40001"));
	ck_assert(db_sqlstate_is_transient("40P01"));
	ck_assert(!db_sqlstate_is_transient("40003"));
	ck_assert(!db_sqlstate_is_transient("57014"));
	ck_assert(!db_sqlstate_is_transient(""));
}
END_TEST

START_TEST(raised_errors)
{
	struct problems problems = {0};

	ck_assert_int_eq(db_raised_error("{\"code\":\"conflict\",\"errors\":[{\"pointer\":\"/a\",\"code\":\"c\",\"message\":\"100 %s\"}]}",
					 &problems),
			 ERR_CONFLICT);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].pointer, "/a");
	ck_assert_str_eq(problems.items[0].code, "c");
	ck_assert_str_eq(problems.items[0].message, "100 %s");
	problems_free(&problems);
	ck_assert_int_eq(db_raised_error("{\"code\":\"no_such_code\"}", NULL), ERR_INTERNAL);
	ck_assert_int_eq(db_raised_error("not JSON", NULL), ERR_INTERNAL);
	ck_assert_int_eq(db_raised_error(NULL, NULL), ERR_INTERNAL);
}
END_TEST

/* ── running statements ───────────────────────────────────────────────────────────────────────── */

static int failures_left;      /* times the script fails before it works */
static const char *failure_state;
static enum fake_kind failure_kind;
static int answer_rows = 1;

static bool is_org_version(const struct fake_question *question)
{
	return !question->preparing && (strcmp(question->statement, "org_version") == 0 ||
					strcmp(question->statement, statement_table[STATEMENT_org_version].text) == 0);
}

/* org_version fails as told, then gives rows of three columns; everything else just works. */
static void script(const struct fake_question *question, struct fake_answer *answer)
{
	if (!is_org_version(question))
		return;
	if (failures_left > 0) {
		failures_left--;
		answer->kind = failure_kind;
		answer->sqlstate = failure_state;
		answer->message = "scripted failure";
		answer->detail = "{\"code\":\"conflict\",\"errors\":[{\"pointer\":\"/x\",\"code\":\"taken\",\"message\":\"is taken\"}]}";
		return;
	}
	answer->kind = FAKE_ROWS;
	answer->columns = 3;
	answer->rows = answer_rows;
	for (int i = 0; i < answer_rows; i++) {
		answer->cells[3 * i] = "17";
		answer->cells[3 * i + 2] = "2027-01-01";
	}
}

static void fail_times(int times, enum fake_kind kind, const char *sqlstate)
{
	failures_left = times;
	failure_kind = kind;
	failure_state = sqlstate;
}

static struct db *open_fake(bool prepare)
{
	fake_pq_reset(script);
	fail_times(0, FAKE_DONE, NULL);
	answer_rows = 1;
	return db_open("postgresql://nowhere", prepare, 1);
}

static enum err ask_version(struct db *db)
{
	struct db_result *result = NULL;
	enum err err = db_run(db, STATEMENT_org_version, (struct db_param[]){{.text = TEXT("1")}}, 1, DB_ONE, &result, NULL, NULL);

	if (err == ERR_OK) {
		ck_assert_uint_eq(db_rows(result), 1);
		ck_assert(text_equal(db_value(result, 0, 0), TEXT("17")));
		ck_assert_ptr_null(db_value(result, 0, 1).data);
	} else {
		ck_assert_ptr_null(result);
	}
	db_result_free(result);
	return err;
}

START_TEST(connects_when_first_used)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(fake_pq_connects(), 0);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_connects(), 1);
	ck_assert_int_eq(fake_pq_asked("org_version"), 2);
	db_close(db);
	db_close(NULL);
	db_result_free(NULL);
}
END_TEST

START_TEST(idle_connection_lost)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(ask_version(db), ERR_OK);
	fake_pq_break_idle();
	ck_assert_msg(ask_version(db) == ERR_OK, "a connection found dead before anything was sent has to be made again");
	ck_assert_int_eq(fake_pq_connects(), 2);
	db_close(db);
}
END_TEST

START_TEST(connection_lost_while_asked)
{
	struct db *db = open_fake(true);

	fail_times(1, FAKE_LOST, NULL);
	ck_assert_msg(ask_version(db) == ERR_DATABASE_UNAVAILABLE, "it may have been done: it must not be sent twice");
	ck_assert_int_eq(fake_pq_asked("org_version"), 1);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_connects(), 2);
	db_close(db);
}
END_TEST

static const char *const transient_states[] = {"40001", "40P01"};

START_TEST(transient_failures)
{
	struct db *db = open_fake(true);

	fail_times(2, FAKE_ERROR, transient_states[_i]);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_asked("org_version"), 3);
	fail_times(10, FAKE_ERROR, transient_states[_i]);
	ck_assert_int_eq(ask_version(db), ERR_DATABASE_UNAVAILABLE);
	ck_assert_int_eq(failures_left, 6);
	ck_assert_int_eq(fake_pq_connects(), 1);
	db_close(db);
}
END_TEST

START_TEST(transient_failure_in_transaction)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(db_begin(db), ERR_OK);
	fail_times(1, FAKE_ERROR, "40001");
	ck_assert_msg(ask_version(db) == ERR_DATABASE_UNAVAILABLE, "what came before in the transaction is lost too");
	ck_assert_msg(db_commit(db) == ERR_INTERNAL, "a transaction in which something failed was committed");
	ck_assert(!db_in_transaction(db));
	ck_assert_int_eq(fake_pq_asked("COMMIT"), 0);
	ck_assert_int_eq(fake_pq_asked("ROLLBACK"), 1);
	db_close(db);
}
END_TEST

START_TEST(connection_lost_in_transaction)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(db_begin(db), ERR_OK);
	fake_pq_break_idle();
	ck_assert_int_eq(ask_version(db), ERR_DATABASE_UNAVAILABLE);
	ck_assert_msg(fake_pq_connects() == 1, "it went on outside the transaction");
	ck_assert_int_eq(db_commit(db), ERR_DATABASE_UNAVAILABLE);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	db_close(db);
}
END_TEST

START_TEST(silent_database)
{
	struct db *db = open_fake(true);

	db_limit(db, 10);
	fail_times(1, FAKE_SILENT, NULL);
	ck_assert_int_eq(ask_version(db), ERR_DATABASE_TIMEOUT);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_connects(), 2);
	db_close(db);
}
END_TEST

START_TEST(wrong_shape)
{
	struct db *db = open_fake(true);

	answer_rows = 2;
	ck_assert_int_eq(ask_version(db), ERR_INTERNAL);
	answer_rows = 0;
	ck_assert_int_eq(ask_version(db), ERR_NOT_FOUND);
	db_close(db);
}
END_TEST

START_TEST(raised_in_sql)
{
	struct db *db = open_fake(true);
	struct problems problems = {0};
	struct buffer detail = {0};

	fail_times(1, FAKE_ERROR, "PL000");
	ck_assert_int_eq(db_run(db, STATEMENT_org_version, (struct db_param[]){{.text = TEXT("1")}}, 1, DB_ONE, NULL, &problems, &detail),
			 ERR_CONFLICT);
	ck_assert_str_eq(detail.data, "scripted failure");
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].code, "taken");
	problems_free(&problems);
	buffer_free(&detail);
	db_close(db);
}
END_TEST

START_TEST(internals_stay_inside)
{
	struct db *db = open_fake(true);
	struct buffer detail = {0};

	fail_times(1, FAKE_ERROR, "42P01");
	ck_assert_int_eq(db_run(db, STATEMENT_org_version, NULL, 0, DB_ONE, NULL, NULL, &detail), ERR_INTERNAL);
	ck_assert_msg(detail.size == 0, "the caller was told: %s", detail.data);
	fail_times(1, FAKE_ERROR, "22P02");
	ck_assert_int_eq(db_run(db, STATEMENT_org_version, NULL, 0, DB_ONE, NULL, NULL, &detail), ERR_VALIDATION_FAILED);
	ck_assert_str_eq(detail.data, "scripted failure");
	buffer_free(&detail);
	db_close(db);
}
END_TEST

START_TEST(statement_forgotten)
{
	struct db *db = open_fake(true);

	fail_times(1, FAKE_ERROR, "26000");
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_connects(), 2);
	ck_assert_msg(fake_pq_asked("org_version") == 2, "prepared again and used by name");
	/* A pooler that loses them always: without names from then on. */
	fail_times(2, FAKE_ERROR, "26000");
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_asked(statement_table[STATEMENT_org_version].text), 1);
	db_close(db);
}
END_TEST

START_TEST(database_away)
{
	struct db *db = open_fake(true);

	fake_pq_refuse(true);
	ck_assert_int_eq(ask_version(db), ERR_DATABASE_UNAVAILABLE);
	ck_assert(!db_ready(db));
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(ask_version(db), ERR_DATABASE_UNAVAILABLE);
	ck_assert_msg(fake_pq_connects() == 1, "%d attempts in a moment", fake_pq_connects());
	fake_pq_refuse(false);
	for (int i = 0; i < 40 && ask_version(db) != ERR_OK; i++)
		nanosleep(&(struct timespec){.tv_nsec = 25000000}, NULL);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert(db_ready(db));
	db_close(db);
}
END_TEST

START_TEST(nul_in_text)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(db_run(db, STATEMENT_org_version, (struct db_param[]){{.text = TEXT("1\0002")}}, 1, DB_ONE, NULL, NULL, NULL),
			 ERR_INVALID_PARAMETER);
	ck_assert_int_eq(fake_pq_asked("org_version"), 0);
	db_close(db);
}
END_TEST

START_TEST(without_prepared_statements)
{
	struct db *db = open_fake(false);
	const char *text = statement_table[STATEMENT_org_version].text;

	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(fake_pq_asked("BEGIN"), 0);
	db_limit(db, 1000);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_msg(fake_pq_asked("BEGIN; SET LOCAL statement_timeout = 1000") == 1, "no session state behind a pooler");
	ck_assert_int_eq(fake_pq_asked("COMMIT"), 1);
	fail_times(1, FAKE_ERROR, "22012");
	ck_assert_int_eq(ask_version(db), ERR_VALIDATION_FAILED);
	ck_assert_int_eq(fake_pq_asked("ROLLBACK"), 1);
	ck_assert_int_eq(fake_pq_asked(text), 3);
	ck_assert_int_eq(fake_pq_asked("SET "), 0);
	db_close(db);
}
END_TEST

static void refuse_one(const struct fake_question *question, struct fake_answer *answer)
{
	if (strcmp(question->statement, statement_table[STATEMENT_rebuild].text) == 0)
		*answer = (struct fake_answer){.kind = FAKE_ERROR, .sqlstate = "42883", .message = "function does not exist"};
}

START_TEST(statements_are_checked)
{
	struct db *db = open_fake(true);
	struct buffer faults = {0};

	ck_assert(db_check_statements(db, &faults));
	ck_assert_uint_eq(faults.size, 0);
	fake_pq_reset(refuse_one);
	ck_assert(!db_check_statements(db, &faults));
	ck_assert_str_eq(faults.data, "statement rebuild: function does not exist\n");
	buffer_free(&faults);
	db_close(db);
}
END_TEST

START_TEST(scripts_and_savepoints)
{
	struct db *db = open_fake(true);

	ck_assert_int_eq(db_script(db, "SELECT 1; SELECT 2", NULL), ERR_OK);
	ck_assert_msg(db_savepoint(db) == ERR_INTERNAL, "there is no transaction");
	ck_assert_int_eq(db_begin(db), ERR_OK);
	ck_assert_int_eq(db_begin(db), ERR_INTERNAL);
	ck_assert_int_eq(db_savepoint(db), ERR_OK);
	fail_times(1, FAKE_ERROR, "23514");
	ck_assert_int_eq(ask_version(db), ERR_VALIDATION_FAILED);
	ck_assert_int_eq(db_rollback_to_savepoint(db), ERR_OK);
	ck_assert_int_eq(db_timeout(db, 50), ERR_OK);
	ck_assert_int_eq(ask_version(db), ERR_OK);
	ck_assert_int_eq(db_commit(db), ERR_OK);
	ck_assert_int_eq(db_commit(db), ERR_INTERNAL);
	db_close(db);
}
END_TEST

Suite *suite_db(void);
Suite *suite_db(void)
{
	Suite *suite = suite_create("db");
	TCase *forms = tcase_create("forms"), *failures = tcase_create("failures");

	tcase_add_test(forms, array_bytes);
	tcase_add_test(forms, array_without_nulls_or_elements);
	tcase_add_loop_test(forms, sqlstates, 0, sizeof sqlstate_cases / sizeof *sqlstate_cases);
	tcase_add_test(forms, transient_sqlstates);
	tcase_add_test(forms, raised_errors);
	tcase_set_timeout(failures, 20);
	tcase_add_test(failures, connects_when_first_used);
	tcase_add_test(failures, idle_connection_lost);
	tcase_add_test(failures, connection_lost_while_asked);
	tcase_add_loop_test(failures, transient_failures, 0, 2);
	tcase_add_test(failures, transient_failure_in_transaction);
	tcase_add_test(failures, connection_lost_in_transaction);
	tcase_add_test(failures, silent_database);
	tcase_add_test(failures, wrong_shape);
	tcase_add_test(failures, raised_in_sql);
	tcase_add_test(failures, internals_stay_inside);
	tcase_add_test(failures, statement_forgotten);
	tcase_add_test(failures, database_away);
	tcase_add_test(failures, nul_in_text);
	tcase_add_test(failures, without_prepared_statements);
	tcase_add_test(failures, statements_are_checked);
	tcase_add_test(failures, scripts_and_savepoints);
	suite_add_tcase(suite, forms);
	suite_add_tcase(suite, failures);
	return suite;
}
