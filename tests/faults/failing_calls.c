/* Preloaded into the service by tests: the nth call of one kind fails, once, as it would when memory, descriptors or the network are at their end.
 *
 * FAILING_CALLS names a file of at least sizeof(struct order) bytes that the test and the service map together. Calls of all threads count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { MEMORY = 1, NETWORK = 2 };

struct order {
	_Atomic uint32_t kind;  /* whose calls; 0: none */
	_Atomic uint32_t at;    /* the number of the one that fails, from 1 */
	_Atomic uint32_t count; /* calls since count was set to 0 */
	_Atomic uint32_t failed;
	int32_t error;          /* errno of network calls */
	char by[236];           /* the object that made the call that failed */
};

static struct order *order;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAILING_CALLS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped = fd >= 0 ? mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (mapped != MAP_FAILED)
		order = mapped;
}

static int fails(enum kind kind, void *caller)
{
	Dl_info info;

	if (order == NULL || atomic_load(&order->kind) != kind || atomic_fetch_add(&order->count, 1) + 1 != atomic_load(&order->at))
		return 0;
	order->by[0] = '\0';
	if (dladdr(caller, &info) != 0 && info.dli_fname != NULL)
		strncpy(order->by, info.dli_fname, sizeof order->by - 1);
	atomic_store(&order->failed, 1);
	errno = kind == MEMORY ? ENOMEM : order->error;
	return 1;
}

#define FAILS(kind) fails(kind, __builtin_return_address(0))

void *malloc(size_t size)
{
	return FAILS(MEMORY) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return FAILS(MEMORY) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return FAILS(MEMORY) ? NULL : __libc_realloc(memory, size);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	return FAILS(NETWORK) ? -1 : REAL(recv)(fd, to, size, flags);
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	return FAILS(NETWORK) ? -1 : REAL(send)(fd, from, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return FAILS(NETWORK) ? -1 : REAL(sendmsg)(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return FAILS(NETWORK) ? -1 : REAL(writev)(fd, parts, count);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
	return FAILS(NETWORK) ? -1 : REAL(accept4)(fd, address, size, flags);
}

int socket(int domain, int type, int protocol)
{
	return FAILS(NETWORK) ? -1 : REAL(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return FAILS(NETWORK) ? -1 : REAL(connect)(fd, address, size);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (FAILS(NETWORK)) {
		errno = EINTR; /* it does not say what became of a connection */
		return -1;
	}
	return REAL(poll)(fds, count, timeout);
}
