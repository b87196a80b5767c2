/* What a listener with TLS shows of itself: a certificate chain and its key, which can be exchanged while connections live. */
#ifndef PLUMBLINE_HTTP_TLS_H
#define PLUMBLINE_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "text.h"

/* TLS 1.2 and 1.3 alone, keys agreed upon for each connection, authenticated encryption; of those the server's order counts. */
#define HTTP_TLS_PRIORITIES                                                                                                                \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:"           \
	"+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

/* Reads chain and key (PEM) and shows them to every handshake that begins from now on; logs until when they hold. False, with a
 * sentence added to fault, when they cannot be read, are not sound or not of each other: then nothing changes. One process has one
 * pair. Any thread, one at a time. */
bool http_tls_load(const char *cert, const char *key, struct buffer *fault);

/* Forgets all pairs; no handshake may be under way. */
void http_tls_free(void);

/* For the library: the pair that is shown now. It stays ours. */
int http_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
		      const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_size,
		      gnutls_privkey_t *key);

#endif
