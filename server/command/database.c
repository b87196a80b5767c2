#include "database.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

enum { CONNECT_TIMEOUT_S = 10, COLUMNS_MAX = 16 };

struct db *command_db(const struct settings *settings)
{
	return db_open(settings->database_url, false, CONNECT_TIMEOUT_S);
}

int command_failed(enum err err, const struct buffer *detail)
{
	if (err == ERR_OK)
		return EXIT_OK;
	fprintf(stderr, "plumbline: %s\n", detail != NULL && detail->size > 0 ? detail->data : error_info(err)->title);
	return EXIT_FAILED;
}

int command_find_org(struct db *db, const char *slug, char org_id[16])
{
	struct db_param param = {.text = text_of(slug != NULL ? slug : "default")};
	struct db_result *row = NULL;
	struct buffer detail = {0};
	enum err err = db_run(db, STATEMENT_org_find, &param, 1, DB_ONE, &row, NULL, &detail);
	int code;

	if (err == ERR_OK)
		snprintf(org_id, 16, "%s", db_value(row, 0, 0).data);
	else if (err == ERR_NOT_FOUND)
		buffer_printf(&detail, "there is no organisation %s; plumbline org list tells which there are", param.text.data);
	else if (err == ERR_INTERNAL)
		buffer_append_string(&detail, "the database does not have the schema of this version: run plumbline migrate");
	db_result_free(row);
	code = command_failed(err, &detail);
	buffer_free(&detail);
	return code;
}

/* Characters, not bytes, so that names with accents line up. */
static size_t width_of(struct text text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.size; i++)
		width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return width;
}

static void print_cell(struct text text, size_t width)
{
	fwrite(text.size > 0 ? text.data : "", 1, text.size, stdout);
	for (size_t i = width_of(text); i < width; i++)
		putchar(' ');
}

void command_print_table(const struct db_result *rows, const char *const *headings, size_t columns)
{
	size_t widths[COLUMNS_MAX] = {0};

	for (size_t c = 0; c < columns; c++) {
		widths[c] = strlen(headings[c]);
		for (size_t r = 0; r < db_rows(rows); r++)
			if (width_of(db_value(rows, r, c)) > widths[c])
				widths[c] = width_of(db_value(rows, r, c));
	}
	for (size_t c = 0; c < columns; c++)
		print_cell(text_of(headings[c]), c + 1 < columns ? widths[c] + 2 : 0);
	putchar('\n');
	for (size_t r = 0; r < db_rows(rows); r++) {
		for (size_t c = 0; c < columns; c++)
			print_cell(db_value(rows, r, c), c + 1 < columns ? widths[c] + 2 : 0);
		putchar('\n');
	}
}
