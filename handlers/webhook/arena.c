#include "arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { CHUNK_SIZE = 16 * 1024 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size, used;
	alignas(max_align_t) char data[];
};

static struct arena_chunk *chunk_of(size_t size, struct arena_chunk *older)
{
	struct arena_chunk *chunk = memory_take(sizeof *chunk + size);

	*chunk = (struct arena_chunk){.older = older, .size = size};
	return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
	const size_t step = alignof(max_align_t);
	void *piece;

	if (size > SIZE_MAX / 2)
		abort();
	size = (size + step - 1) / step * step;
	if (arena->chunk == NULL || arena->chunk->size - arena->chunk->used < size)
		arena->chunk = chunk_of(size > CHUNK_SIZE ? size : CHUNK_SIZE, arena->chunk);
	piece = arena->chunk->data + arena->chunk->used;
	arena->chunk->used += size;
	return memset(piece, 0, size);
}

struct text arena_join(struct arena *arena, const struct text *parts, size_t count)
{
	size_t size = 0;
	char *data;

	for (size_t i = 0; i < count; i++)
		size += parts[i].size;
	data = arena_take(arena, size + 1);
	size = 0;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].size > 0)
			memcpy(data + size, parts[i].data, parts[i].size);
		size += parts[i].size;
	}
	return (struct text){data, size};
}

struct text arena_keep(struct arena *arena, struct text text)
{
	return text.data == NULL ? text : arena_join(arena, &text, 1);
}

static void free_from(struct arena_chunk *chunk)
{
	while (chunk != NULL) {
		struct arena_chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
}

void arena_reset(struct arena *arena)
{
	if (arena->chunk == NULL)
		return;
	free_from(arena->chunk->older);
	arena->chunk->older = NULL;
	arena->chunk->used = 0;
}

void arena_free(struct arena *arena)
{
	free_from(arena->chunk);
	arena->chunk = NULL;
}
