/* CSV rows as JSON objects: the header names the fields of a shape, cells are written as values of the field's type. */
#ifndef PLUMBLINE_CSV_OBJECT_H
#define PLUMBLINE_CSV_OBJECT_H

#include "csv_reader.h"
#include "shape.h"

struct csv_header;

/* Reads the first row: names of fields of the shape, or <open field>.<name> for a member of an open object. NULL when a column
 * is unknown, stands twice, has no name, or `needed` is missing; problems then name each such column. shape must outlive it. */
struct csv_header *csv_header_new(const struct shape *shape, const char *needed, const struct csv_row *row, struct problems *problems);
void csv_header_free(struct csv_header *header); /* NULL allowed */

/* Appends the row as a JSON object. An empty cell is left out. Decimals stay as they are written, in quotes; a list is separated
 * by semicolons, or written as a JSON array; true, yes and 1 are true. In an open object plain numbers, true, false and JSON
 * arrays become such values, all else is text (so 007 and 1e5 stay text). A cell that cannot be of its type is passed on as text,
 * for shape_check to say so. False, with problems, when the row has not as many cells as the header or a cell is not UTF-8. */
bool csv_row_to_json(const struct csv_header *header, const struct csv_row *row, struct buffer *out, struct problems *problems);

#endif
