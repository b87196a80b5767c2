/* JSON pointers (RFC 6901) by the dozen: compiled into one tree, so that one pass over a text finds the values of all of them. */
#ifndef PLUMBLINE_WEBHOOK_POINTER_TREE_H
#define PLUMBLINE_WEBHOOK_POINTER_TREE_H

#include <stdint.h>

#include "arena.h"

enum { POINTER_SLOTS_MAX = 512, POINTER_DEPTH_MAX = 32 };

struct pointer_node {
	struct text name;           /* decoded */
	int32_t slot;               /* where the value goes; -1: nobody asks for it */
	int32_t parent, next;       /* of the same parent; -1: none */
	int32_t first;              /* child */
	uint32_t children;
	int32_t *table;             /* children by hash, of `mask + 1` places; NULL while the tree grows */
	uint32_t mask;
	bool watched;               /* members that no pointer names are told to the visitor */
};

/* Zero-initialised is empty. Grows in the arena of the document, then only read. */
struct pointer_tree {
	struct pointer_node *nodes;
	size_t count, capacity, slots;
};

/* The slot of a pointer, an old one when it was added before. -1: it is no pointer, or too deep, or there are too many. */
int pointer_tree_add(struct pointer_tree *tree, struct arena *arena, struct text pointer);
/* The node where a pointer leads, added when there is none; -1 as above. */
int pointer_tree_node(struct pointer_tree *tree, struct arena *arena, struct text pointer);
void pointer_tree_finish(struct pointer_tree *tree, struct arena *arena);

/* How lists and wrapped values are read. All texts may be absent. */
struct pointer_reading {
	struct text key, value; /* an array of {key, value} objects reads like one object */
	struct text pick;       /* members of the root are objects, of which only this member counts */
};

/* A pass over a text. */
struct pointer_scan {
	const struct pointer_tree *tree;
	const struct pointer_reading *reading;
	struct text *slots; /* of tree->slots places; absent where nothing stands */
	int doubled;        /* a slot whose value stands there twice; -1: none */
	/* Hears of members of watched nodes that no pointer names; may be NULL. name is raw, with its quotes. */
	void (*visit)(void *context, int node, struct text name, struct text value);
	void *context;
};

/* Fills the slots from a valid JSON text. */
void pointer_scan(struct pointer_scan *scan, struct text json);
/* The same for one member of the root, given by its decoded name. */
void pointer_scan_member(struct pointer_scan *scan, struct text raw_name, struct text value);

/* Whether any pointer begins with this member of the root, given by its raw name. */
bool pointer_tree_names(const struct pointer_tree *tree, struct text raw_name);

/* The value a single pointer leads to in a valid text; absent when there is none. */
struct text pointer_find(struct text json, struct text pointer);

#endif
