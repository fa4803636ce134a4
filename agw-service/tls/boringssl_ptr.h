// Owners of BoringSSL's objects, for headers that must not include BoringSSL's. The names are those
// behind its typedefs: ssl_st is SSL, and so on.

#ifndef AGW_SERVICE_TLS_BORINGSSL_PTR_H_
#define AGW_SERVICE_TLS_BORINGSSL_PTR_H_

#include <memory>

struct bio_method_st;
struct bio_st;
struct crypto_buffer_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;

namespace agw {

struct BoringSslDelete {
  void operator()(bio_method_st* method) const;
  void operator()(bio_st* bio) const;
  void operator()(crypto_buffer_st* buffer) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(ssl_ctx_st* ssl_ctx) const;
  void operator()(ssl_st* ssl) const;
};

template <typename T>
using BoringSslPtr = std::unique_ptr<T, BoringSslDelete>;

}  // namespace agw

#endif  // AGW_SERVICE_TLS_BORINGSSL_PTR_H_
