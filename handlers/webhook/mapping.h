/* A compiled mapping: layouts say what a delivery looks like and what happened, objects what their records hold. */
#ifndef PLUMBLINE_WEBHOOK_MAPPING_H
#define PLUMBLINE_WEBHOOK_MAPPING_H

#include "expression.h"
#include "verifier.h"

enum { ITEMS_MAX = 1000, CUSTOM_MAX = 1000 };

/* Where an attribute comes from. */
struct field_rule {
	struct text name;          /* of the attribute, without "attributes." */
	const struct field *field; /* NULL: one under "attributes" */
	struct expression from;
	struct convert_options convert; /* to what the attribute has to be */
	bool constant;             /* says nothing of the source */
	struct text dotted;        /* the first pointer as lists of changed fields write it: Name.LastName */
};

/* Members of a record by the pattern of their names, into "attributes". */
struct custom_rule {
	struct text pattern; /* glob.h */
	int node;            /* whose members */
	bool skip;
	struct text strip;   /* taken off the end of the name */
	struct convert_options convert;
	const struct text *unwrap;
	size_t unwrap_count;
};

struct object_rule {
	struct text name;
	const struct resource *resource;
	struct pointer_tree tree; /* of the record; those of `also` use their object's */
	bool null_clears, copies;
	const struct text *unwrap;
	size_t unwrap_count;
	const struct field_rule *fields;
	size_t field_count;
	const struct custom_rule *custom;
	size_t custom_count;
	const struct object_rule *also; /* further objects that the record speaks of */
	size_t also_count;
	/* of those: */
	const struct condition *when; /* NULL: always */
	struct expression id;
};

enum operation {
	OPERATION_PATCH, OPERATION_PUT, OPERATION_DELETE, OPERATION_RESTORE, OPERATION_MERGE, OPERATION_FETCH, OPERATION_RESYNC, OPERATION_IGNORE
};
extern const char *const operation_words[]; /* NULL at the end */

/* What holds for items that meet a condition. */
struct rule {
	struct condition when;
	struct text skip; /* absent: not skipped */
	const struct expression *object, *operation, *id; /* NULL: unchanged */
};

struct layout {
	struct text name;
	const struct condition *when;
	const struct text *items;        /* pointers; the first that leads to something that meets the condition */
	size_t item_count;
	bool whole;                      /* records are complete */
	struct pointer_reading reading, record_reading;
	int record, pair_name, pair_value, fan_out, changed; /* slots of the item; -1: none */
	struct text record_pointer;      /* for messages; of a pair, its value's */
	struct expression object, id, operation, occurred_at, event_id;
	bool has_operation, has_occurred_at, has_event_id, has_merge;
	const struct expression *sequence; /* summed up */
	size_t sequence_count;
	struct expression into, fetch;
	bool has_fetch;
	const struct expression *from;
	size_t from_count;
	const struct rule *rules;
	size_t rule_count;
};

/* A record that comes with the mapping. */
struct seed {
	const struct resource *resource;
	struct text id, record;
};

struct source {
	struct arena arena;
	struct verifiers verifiers;
	struct pointer_tree item;
	const struct layout *layouts;
	size_t layout_count;
	const struct object_rule *objects;
	size_t object_count;
	const struct seed *seeds;
	size_t seed_count;
	struct text currency, id_prefix; /* absent: none */
	size_t items_max;
};

/* ── compiling ── */
const struct resource *resource_of_kind(const char *kind);
bool objects_compile(struct compiler *compiler, struct source *source, const struct lookups *lookups, const json_t *value);
bool layouts_compile(struct compiler *compiler, struct source *source, const struct lookups *lookups, const json_t *value);

/* ── running ── */

/* One delivery on its way through. */
struct run {
	const struct source *source;
	const struct layout *layout;
	const struct mapped_sink *sink;
	struct mapped_counts *counts;
	struct arena arena;        /* of the item */
	struct buffer record, attributes, pointer;
	struct text item[POINTER_SLOTS_MAX], slots[POINTER_SLOTS_MAX];
	const char *scanned;       /* where the item begins that `item` was filled from */
	bool doubled;              /* a name stands twice in it */
	struct evaluation evaluation;
	size_t index;
	struct text raw;
	bool stopped;
};

/* Results of the item at hand. */
void run_emit(struct run *run, struct mapped *mapped);
void run_problem(struct run *run, const char *code, const char *pointer, const char *message);

/* The item as a whole, or for one element of its fan-out: what it says happened, and the events of it. */
void meaning_map(struct run *run);

/* What is known of an event before its record is read. */
struct meaning {
	const struct object_rule *object;
	enum operation operation;
	struct text id, occurred_at, event_id;
	int64_t sequence;
};

/* Writes the members that every record begins with; the object stays open. */
void record_begin(struct buffer *out, const struct meaning *meaning);
/* Reads the item's record and emits the events it makes: of the object itself, and of what else it speaks of. */
void record_map(struct run *run, const struct meaning *meaning);

#endif
