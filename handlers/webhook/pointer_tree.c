#include "pointer_tree.h"

#include <stdio.h>
#include <string.h>

#include "json_scan.h"

static uint32_t hash_of(struct text name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	return hash;
}

static int new_node(struct pointer_tree *tree, struct arena *arena, struct text name, int parent)
{
	struct pointer_node *node;

	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity == 0 ? 16 : tree->capacity * 2;
		struct pointer_node *nodes = arena_take(arena, capacity * sizeof *nodes);

		if (tree->count > 0)
			memcpy(nodes, tree->nodes, tree->count * sizeof *nodes);
		tree->nodes = nodes;
		tree->capacity = capacity;
	}
	node = &tree->nodes[tree->count];
	*node = (struct pointer_node){.name = arena_keep(arena, name), .slot = -1, .parent = parent, .next = -1, .first = -1};
	if (parent >= 0) {
		node->next = tree->nodes[parent].first;
		tree->nodes[parent].first = (int32_t)tree->count;
		tree->nodes[parent].children++;
	}
	return (int)tree->count++;
}

static int child_of(const struct pointer_tree *tree, int parent, struct text name)
{
	const struct pointer_node *node = &tree->nodes[parent];

	if (node->table != NULL) {
		for (uint32_t at = hash_of(name) & node->mask; node->table[at] >= 0; at = (at + 1) & node->mask)
			if (text_equal(tree->nodes[node->table[at]].name, name))
				return node->table[at];
		return -1;
	}
	for (int child = node->first; child >= 0; child = tree->nodes[child].next)
		if (text_equal(tree->nodes[child].name, name))
			return child;
	return -1;
}

/* Takes the next step of a pointer, decoded into out; false at its end. *sound: whether it is one. */
static bool take_step(struct text *pointer, struct buffer *out, bool *sound)
{
	buffer_clear(out);
	buffer_append(out, "", 0);
	if (pointer->size == 0)
		return false;
	if (pointer->data[0] != '/') {
		*sound = false;
		return false;
	}
	*pointer = (struct text){pointer->data + 1, pointer->size - 1};
	while (pointer->size > 0 && pointer->data[0] != '/') {
		size_t taken = 1;
		char byte = pointer->data[0];

		if (byte == '~') {
			if (pointer->size < 2 || (pointer->data[1] != '0' && pointer->data[1] != '1')) {
				*sound = false;
				return false;
			}
			byte = pointer->data[1] == '0' ? '~' : '/';
			taken = 2;
		}
		buffer_append(out, &byte, 1);
		*pointer = (struct text){pointer->data + taken, pointer->size - taken};
	}
	return true;
}

int pointer_tree_node(struct pointer_tree *tree, struct arena *arena, struct text pointer)
{
	struct buffer step = {0};
	bool sound = true;
	int node = 0;
	unsigned depth = 0;

	if (tree->count == 0)
		new_node(tree, arena, TEXT(""), -1);
	while (take_step(&pointer, &step, &sound)) {
		int child = child_of(tree, node, buffer_text(&step));

		if (++depth > POINTER_DEPTH_MAX || tree->count >= POINTER_SLOTS_MAX * 4) {
			sound = false;
			break;
		}
		node = child >= 0 ? child : new_node(tree, arena, buffer_text(&step), node);
	}
	buffer_free(&step);
	return sound ? node : -1;
}

int pointer_tree_add(struct pointer_tree *tree, struct arena *arena, struct text pointer)
{
	int node = pointer_tree_node(tree, arena, pointer);

	if (node < 0)
		return -1;
	if (tree->nodes[node].slot < 0) {
		if (tree->slots == POINTER_SLOTS_MAX)
			return -1;
		tree->nodes[node].slot = (int32_t)tree->slots++;
	}
	return tree->nodes[node].slot;
}

void pointer_tree_finish(struct pointer_tree *tree, struct arena *arena)
{
	if (tree->count == 0)
		new_node(tree, arena, TEXT(""), -1);
	for (size_t i = 0; i < tree->count; i++) {
		struct pointer_node *node = &tree->nodes[i];
		uint32_t size = 2;

		while (size < node->children * 2)
			size *= 2;
		node->mask = size - 1;
		node->table = arena_take(arena, size * sizeof *node->table);
		for (uint32_t place = 0; place < size; place++)
			node->table[place] = -1;
		for (int child = node->first; child >= 0; child = tree->nodes[child].next) {
			uint32_t place = hash_of(tree->nodes[child].name) & node->mask;

			while (node->table[place] >= 0)
				place = (place + 1) & node->mask;
			node->table[place] = child;
		}
	}
}

/* ── scanning ───────────────────────────────────────────────────────────────────────────────────── */
static void scan_node(struct pointer_scan *scan, int index, struct text value);

/* Names with escapes are rare: only they are copied. */
static int child_by_raw_name(const struct pointer_tree *tree, int node, struct text raw)
{
	struct buffer name = {0};
	int child = -1;

	if (memchr(raw.data, '\\', raw.size) == NULL)
		return child_of(tree, node, (struct text){raw.data + 1, raw.size - 2});
	if (json_string_decode(raw, &name))
		child = child_of(tree, node, buffer_text(&name));
	buffer_free(&name);
	return child;
}

bool pointer_tree_names(const struct pointer_tree *tree, struct text raw_name)
{
	return child_by_raw_name(tree, 0, raw_name) >= 0;
}

static void meet_member(struct pointer_scan *scan, int index, struct text name, struct text value)
{
	int child = child_by_raw_name(scan->tree, index, name);

	if (child >= 0)
		scan_node(scan, child, value);
	else if (scan->tree->nodes[index].watched && scan->visit != NULL)
		scan->visit(scan->context, index, name, value);
}

/* One {key, value} of a list that reads like an object. */
static void meet_pair(struct pointer_scan *scan, int index, struct text element)
{
	const struct pointer_reading *reading = scan->reading;
	struct text member, found, name = {0}, value = {0};
	struct json_walk walk;

	if (!json_walk_open(element, &walk) || !walk.is_object)
		return;
	while (json_walk_next(&walk, &member, &found) == JSON_STEP_VALUE) {
		member = (struct text){member.data + 1, member.size - 2};
		if (text_equal(member, reading->key))
			name = found;
		else if (text_equal(member, reading->value))
			value = found;
	}
	if (name.size >= 2 && name.data[0] == '"' && value.data != NULL)
		meet_member(scan, index, name, value);
}

static void scan_array(struct pointer_scan *scan, int index, struct json_walk *walk)
{
	bool folds = scan->reading != NULL && scan->reading->key.data != NULL;
	struct text element;

	for (size_t i = 0; json_walk_next(walk, NULL, &element) == JSON_STEP_VALUE; i++) {
		char digits[24], *digit = digits + sizeof digits;
		size_t rest = i;
		int child;

		do {
			*--digit = (char)('0' + rest % 10);
			rest /= 10;
		} while (rest > 0);
		child = child_of(scan->tree, index, (struct text){digit, (size_t)(digits + sizeof digits - digit)});
		if (child >= 0)
			scan_node(scan, child, element);
		if (folds)
			meet_pair(scan, index, element);
	}
}

static void scan_node(struct pointer_scan *scan, int index, struct text value)
{
	const struct pointer_node *node = &scan->tree->nodes[index];
	struct json_walk walk;
	struct text name, member;

	if (node->slot >= 0) {
		if (scan->slots[node->slot].data != NULL && scan->doubled < 0)
			scan->doubled = node->slot;
		scan->slots[node->slot] = value;
	}
	if ((node->children == 0 && !node->watched) || !json_walk_open(value, &walk))
		return;
	if (!walk.is_object) {
		scan_array(scan, index, &walk);
		return;
	}
	while (json_walk_next(&walk, &name, &member) == JSON_STEP_VALUE) {
		if (index == 0 && scan->reading != NULL && scan->reading->pick.data != NULL) {
			member = json_member(member, scan->reading->pick.data);
			if (member.data == NULL)
				continue;
		}
		meet_member(scan, index, name, member);
	}
}

void pointer_scan(struct pointer_scan *scan, struct text json)
{
	for (size_t i = 0; i < scan->tree->slots; i++)
		scan->slots[i] = (struct text){0};
	scan->doubled = -1;
	scan_node(scan, 0, json);
}

void pointer_scan_member(struct pointer_scan *scan, struct text raw_name, struct text value)
{
	for (size_t i = 0; i < scan->tree->slots; i++)
		scan->slots[i] = (struct text){0};
	scan->doubled = -1;
	meet_member(scan, 0, raw_name, value);
}

struct text pointer_find(struct text json, struct text pointer)
{
	struct buffer step = {0};
	bool sound = true;

	while (json.data != NULL && take_step(&pointer, &step, &sound)) {
		struct json_walk walk;
		struct text name, value, found = {0};

		if (json_walk_open(json, &walk)) {
			if (walk.is_object)
				found = json_member(json, buffer_text(&step).data);
			else
				for (size_t i = 0; json_walk_next(&walk, &name, &value) == JSON_STEP_VALUE; i++) {
					char index[24];

					if (snprintf(index, sizeof index, "%zu", i) > 0 && text_equal_string(buffer_text(&step), index)) {
						found = value;
						break;
					}
				}
		}
		json = found;
	}
	buffer_free(&step);
	return sound ? json : (struct text){0};
}
