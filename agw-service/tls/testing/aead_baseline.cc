#include "agw-service/tls/testing/aead_baseline.h"

#include <openssl/aead.h>

#include <array>
#include <cstdint>

#include "common/check.h"

namespace agw {

struct AeadBaseline::State {
  bssl::ScopedEVP_AEAD_CTX aead;
  std::array<uint8_t, 12> nonce = {};
  std::array<uint8_t, kRecordSize> plaintext = {};
  std::array<uint8_t, kRecordSize + EVP_AEAD_MAX_OVERHEAD> sealed = {};
  size_t sealed_size = 0;
};

AeadBaseline::AeadBaseline() : state_(std::make_unique<State>()) {
  const std::array<uint8_t, 16> key = {};
  CHECK(EVP_AEAD_CTX_init(state_->aead.get(), EVP_aead_aes_128_gcm(), key.data(), key.size(),
                          EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr));
}

AeadBaseline::~AeadBaseline() = default;

void AeadBaseline::Seal() {
  CHECK(EVP_AEAD_CTX_seal(state_->aead.get(), state_->sealed.data(), &state_->sealed_size,
                          state_->sealed.size(), state_->nonce.data(), state_->nonce.size(),
                          state_->plaintext.data(), state_->plaintext.size(), nullptr, 0));
}

void AeadBaseline::Open() {
  size_t size = 0;
  CHECK(EVP_AEAD_CTX_open(state_->aead.get(), state_->plaintext.data(), &size,
                          state_->plaintext.size(), state_->nonce.data(), state_->nonce.size(),
                          state_->sealed.data(), state_->sealed_size, nullptr, 0));
}

}  // namespace agw
