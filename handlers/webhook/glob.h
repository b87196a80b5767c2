/* Shell patterns of names and values: * any characters, ? one, [a-z_] one of these, [!a-z] none of these. Takes at most the product
 * of their lengths, where fnmatch(3) can take ages over a pattern with many stars. */
#ifndef PLUMBLINE_WEBHOOK_GLOB_H
#define PLUMBLINE_WEBHOOK_GLOB_H

#include "text.h"

bool glob_matches(struct text pattern, struct text text);

/* Whether it says more than itself. */
bool glob_is_pattern(struct text text);

#endif
