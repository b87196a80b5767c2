/* Intake: one delivery taken apart. What became events, what is set aside for a person, what the source asks to be read again, and
 * what is nothing for us; in the order of the delivery's items. A committer writes the intakes that wait together and answers each
 * after the commit. */
#ifndef PLUMBLINE_INTAKE_H
#define PLUMBLINE_INTAKE_H

#include "ingest.h"

enum part_type { PART_EVENT, PART_ASIDE, PART_NOTICE, PART_IGNORED };

struct intake_part {
	enum part_type type;
	size_t index;                /* of the item in the delivery, from 0; several parts may come of one item */
	struct ingest_item item;     /* PART_EVENT; owned */
	struct ingest_result result; /* PART_EVENT, once written: what became of it */
	struct text raw;             /* the item as it came, a slice of the delivery's body */
	struct text kind, id;        /* of the object; absent as far as they are not known. Of an event they stand in item */
	struct text code, pointer;   /* PART_ASIDE */
	struct text message;         /* why; absent for an event */
	int64_t quarantine_id;       /* once written: where it lies; 0: nowhere */
	struct buffer memory;        /* holds kind … message */
};

struct intake {
	struct intake_part *parts;
	size_t count, capacity;
	struct text body;            /* of the delivery; outlives the intake */
	struct buffer unpacked;      /* holds the body when it came compressed */
	void *owner;                 /* of who took it apart, for when it is settled */
	struct buffer headers;       /* JSON object of the headers the mapping read; empty: none */
};

struct intake *intake_new(struct text body);
void intake_free(struct intake *intake); /* NULL allowed */

/* Adds a part; item is taken over (zeroed). The texts of the others are copied, raw is not. The part is valid until the next is added. */
struct intake_part *intake_add_event(struct intake *intake, size_t index, struct text raw, struct ingest_item *item);
struct intake_part *intake_add_aside(struct intake *intake, size_t index, struct text raw, struct text kind, struct text id,
				     const char *code, const char *pointer, const char *message);
struct intake_part *intake_add_notice(struct intake *intake, size_t index, struct text raw, struct text kind, struct text id,
				      const char *message);
struct intake_part *intake_add_ignored(struct intake *intake, size_t index, struct text raw, const char *message);

/* Makes the whole delivery one item that is set aside: for what cannot be stored otherwise. */
void intake_set_aside_whole(struct intake *intake, const char *code, const char *message);

size_t intake_events(const struct intake *intake);

/* The delivery as if it had held this item alone: what is needed to take it apart again. Appends to out. */
void intake_payload(const struct intake *intake, const struct intake_part *part, struct buffer *out);

/* After ingest_write, in its transaction: puts what was set aside or refused into quarantine, and notes what is to be read again.
 * The results of the events stand in their parts. who names organisation and source; count intakes of one group. */
enum err intake_settle(struct db *db, const struct principal *who, struct intake *const *intakes, size_t count);

/* The second half of it alone. */
enum err intake_note_resync(struct db *db, const struct principal *who, struct intake *const *intakes, size_t count);

bool intake_goes_aside(const struct intake_part *part); /* set aside, or refused when written */

/* What is counted of an intake once it is written. */
struct intake_counts {
	size_t accepted, quarantined, ignored, notices;
};
struct intake_counts intake_count(const struct intake *intake);

/* Its answer: 200 {"accepted", "quarantined", "ignored", "items": [...]}. */
void intake_reply(const struct intake *intake, struct reply *reply);

/* The list "items": [...] alone, for other answers. */
void intake_append_items(const struct intake *intake, struct buffer *body);

#endif
