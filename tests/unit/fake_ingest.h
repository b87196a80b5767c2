/* What the scripted database answers to a batch of events. */
#ifndef PLUMBLINE_FAKE_INGEST_H
#define PLUMBLINE_FAKE_INGEST_H

#include "fake_pq.h"
#include "text.h"

extern int fake_ingest_largest; /* events of the largest batch so far */

/* A row an event, its event id being the patch it came with; the patch "bad" is rejected. */
void fake_ingest_answer(const struct fake_question *question, struct fake_answer *answer);

/* The text arrays that parameters are. */
int fake_array_count(const char *array);
struct text fake_array_element(const char *array, int wanted);

/* A text that outlives the answer. */
char *fake_keep(char *text);
char *fake_number(int number);

#endif
