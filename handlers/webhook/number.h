/* Decimals as text on their way from a source: scaled and rounded exactly, never through a double. */
#ifndef PLUMBLINE_WEBHOOK_NUMBER_H
#define PLUMBLINE_WEBHOOK_NUMBER_H

#include "arena.h"

enum {
	NUMBER_TEXT_MAX = 400, /* characters of a decimal as a source writes it: some write 60 digits after the point */
	NUMBER_PLACES = 30,    /* decimal places that are kept */
	NUMBER_ANY = -1        /* as many as there are, up to NUMBER_PLACES */
};

/* The decimal in text times scale (absent: 1), rounded half away from zero to places (or NUMBER_ANY), as a JSON number. What needs
 * neither scaling nor rounding keeps its text. The absent text when it is no decimal, or more than 30 digits before the point. */
struct text number_make(struct arena *arena, struct text text, struct text scale, int places);

#endif
