/* Erasure of a person from everything that is kept. */
#ifndef PLUMBLINE_ERASURES_H
#define PLUMBLINE_ERASURES_H

#include "request.h"

enum err erasure_post(struct request *, struct reply *);

#endif
