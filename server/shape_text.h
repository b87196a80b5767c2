/* One text against one field: what JSON texts, numbers as written, CSV cells and query parameters have in common. */
#ifndef PLUMBLINE_SHAPE_TEXT_H
#define PLUMBLINE_SHAPE_TEXT_H

#include "shape.h"

enum { OPEN_NAME_MAX = 200 }; /* bytes of a name in an open object */

struct text_fault {
	const char *code; /* a problem code */
	char message[240];
};

/* Whether clean text is a value of the field: of its type and within its bounds. Lists, objects and open objects fit any text:
 * they are not texts. */
bool text_fits(const struct field *field, struct text text, struct text_fault *fault);

/* Whether a length is within the bounds of the field; what: "characters". */
bool size_fits(const struct field *field, size_t size, const char *what, struct text_fault *fault);

#endif
