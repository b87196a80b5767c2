/* What commands that work on the database share. */
#ifndef PLUMBLINE_COMMAND_DATABASE_H
#define PLUMBLINE_COMMAND_DATABASE_H

#include "../db.h"
#include "../settings.h"

/* A connection for a command: no prepared statements, no statement timeout. */
struct db *command_db(const struct settings *settings);

/* The id of the organisation with this slug (NULL: "default") as text in org_id; 0, or EXIT_FAILED after having said why. */
int command_find_org(struct db *db, const char *slug, char org_id[16]);

/* Says on standard error what became of a statement; returns the exit code. */
int command_failed(enum err err, const struct buffer *detail);

/* Rows as a table with these headings on standard output. */
void command_print_table(const struct db_result *rows, const char *const *headings, size_t columns);

#endif
