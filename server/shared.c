#include "shared.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gzip.h"
#include "memory.h"

struct shared {
	atomic_uint holders;
	struct buffer plain;
	pthread_mutex_t mutex; /* of `tried` and `packed` */
	bool tried;
	struct buffer packed;
	atomic_size_t packed_size;
};

struct shared *shared_new(struct buffer *text)
{
	struct shared *shared = memory_zeroed(1, sizeof *shared);

	atomic_init(&shared->holders, 1);
	shared->plain = *text;
	*text = (struct buffer){0};
	pthread_mutex_init(&shared->mutex, NULL);
	return shared;
}

struct shared *shared_hold(struct shared *shared)
{
	atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
	return shared;
}

void shared_release(void *held)
{
	struct shared *shared = held;

	if (shared == NULL || atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_acq_rel) > 1)
		return;
	buffer_free(&shared->plain);
	buffer_free(&shared->packed);
	pthread_mutex_destroy(&shared->mutex);
	free(shared);
}

struct text shared_plain(const struct shared *shared)
{
	return buffer_text(&shared->plain);
}

struct text shared_gzip(struct shared *shared)
{
	struct text packed;

	pthread_mutex_lock(&shared->mutex);
	if (!shared->tried && gzip_compress(buffer_text(&shared->plain), &shared->packed)) {
		shared->packed.capacity = shared->packed.size + 1; /* room for all of it was taken */
		shared->packed.data = memory_grown(shared->packed.data, shared->packed.capacity);
		atomic_store(&shared->packed_size, shared->packed.capacity);
	} else if (!shared->tried) {
		buffer_free(&shared->packed);
	}
	shared->tried = true;
	packed = shared->packed.size > 0 ? buffer_text(&shared->packed) : (struct text){0};
	pthread_mutex_unlock(&shared->mutex);
	return packed;
}

/* Not under the mutex: whoever asks must not wait while it is being compressed. */
size_t shared_size(const struct shared *shared)
{
	return sizeof *shared + shared->plain.capacity + atomic_load(&shared->packed_size);
}
