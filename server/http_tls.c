#include "http_tls.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_socket.h"
#include "log.h"
#include "memory.h"

enum { CHAIN_MAX = 16 };

struct identity {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_size;
	gnutls_privkey_t key;
	struct identity *older; /* kept to the end: a handshake may hold it for as long as its client likes, and renewals are rare */
};

/* The library's callback is given nothing of ours, so what it shows is one a process. */
static _Atomic(struct identity *) shown;

static void free_identity(struct identity *identity)
{
	for (unsigned i = 0; i < identity->chain_size; i++)
		gnutls_pcert_deinit(&identity->chain[i]);
	gnutls_privkey_deinit(identity->key);
	free(identity);
}

static gnutls_datum_t datum(char *pem)
{
	return (gnutls_datum_t){.data = (unsigned char *)pem, .size = (unsigned)strlen(pem)};
}

/* Whether both can be parsed and belong together: the pair below is taken apart and never compared. */
static int check_pair(const gnutls_datum_t *cert, const gnutls_datum_t *key)
{
	gnutls_certificate_credentials_t pair;
	int error = gnutls_certificate_allocate_credentials(&pair);

	if (error != GNUTLS_E_SUCCESS)
		return error;
	error = gnutls_certificate_set_x509_key_mem(pair, cert, key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(pair);
	return error < 0 ? error : GNUTLS_E_SUCCESS;
}

static int parse_pair(struct identity *identity, const gnutls_datum_t *cert, const gnutls_datum_t *key)
{
	unsigned size = CHAIN_MAX;
	int error = gnutls_pcert_list_import_x509_raw(identity->chain, &size, cert, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);

	if (error != GNUTLS_E_SUCCESS)
		return error;
	identity->chain_size = size;
	/* Not before the chain is known to be sound: of one that is cut off GnuTLS 3.7 keeps memory there. */
	error = check_pair(cert, key);
	if (error == GNUTLS_E_SUCCESS)
		error = gnutls_privkey_import_x509_raw(identity->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
	return error;
}

static void say_expiry(struct identity *identity, const char *path)
{
	gnutls_x509_crt_t leaf;
	char until[32] = "?";
	struct tm day;
	time_t end;

	if (gnutls_pcert_export_x509(&identity->chain[0], &leaf) != GNUTLS_E_SUCCESS)
		return;
	end = gnutls_x509_crt_get_expiration_time(leaf);
	if (gmtime_r(&end, &day) != NULL)
		(void)strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", &day);
	gnutls_x509_crt_deinit(leaf);
	log_say(end < time(NULL) ? LOG_WARN : LOG_INFO, "tls_certificate", "%s is shown, valid until %s", path, until);
}

static struct identity *read_identity(const char *cert_path, const char *key_path, struct buffer *fault)
{
	struct identity *identity = memory_zeroed(1, sizeof *identity);
	char *cert = http_read_file(cert_path, fault);
	char *key = cert != NULL ? http_read_file(key_path, fault) : NULL;
	int error = GNUTLS_E_SUCCESS;

	if (gnutls_privkey_init(&identity->key) != GNUTLS_E_SUCCESS)
		abort();
	if (key != NULL) {
		gnutls_datum_t cert_pem = datum(cert), key_pem = datum(key);

		error = parse_pair(identity, &cert_pem, &key_pem);
		explicit_bzero(key, strlen(key));
	}
	if (error != GNUTLS_E_SUCCESS)
		buffer_printf(fault, "%s and %s: %s (are certificate and key sound, and of each other?)\n", cert_path, key_path,
			      gnutls_strerror(error));
	if (key == NULL || error != GNUTLS_E_SUCCESS) {
		free_identity(identity);
		identity = NULL;
	}
	free(cert);
	free(key);
	return identity;
}

bool http_tls_load(const char *cert, const char *key, struct buffer *fault)
{
	struct identity *identity = read_identity(cert, key, fault);

	if (identity == NULL)
		return false;
	identity->older = atomic_load(&shown);
	atomic_store(&shown, identity);
	say_expiry(identity, cert);
	return true;
}

void http_tls_free(void)
{
	struct identity *identity = atomic_exchange(&shown, NULL);

	while (identity != NULL) {
		struct identity *older = identity->older;

		free_identity(identity);
		identity = older;
	}
}

int http_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
		      const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_size,
		      gnutls_privkey_t *key)
{
	struct identity *identity = atomic_load(&shown);

	(void)session;
	(void)authorities;
	(void)authority_count;
	(void)algorithms;
	(void)algorithm_count;
	if (identity == NULL)
		return -1;
	*chain = identity->chain;
	*chain_size = identity->chain_size;
	*key = identity->key;
	return 0;
}
