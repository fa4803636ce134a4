#include "agw-service/tls/boringssl_ptr.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

namespace agw {

void BoringSslDelete::operator()(bio_method_st* method) const { BIO_meth_free(method); }
void BoringSslDelete::operator()(bio_st* bio) const { BIO_free(bio); }
void BoringSslDelete::operator()(crypto_buffer_st* buffer) const { CRYPTO_BUFFER_free(buffer); }
void BoringSslDelete::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void BoringSslDelete::operator()(ssl_ctx_st* ssl_ctx) const { SSL_CTX_free(ssl_ctx); }
void BoringSslDelete::operator()(ssl_st* ssl) const { SSL_free(ssl); }

}  // namespace agw
