// AES-128-GCM and nothing else: what no TLS with this cipher can beat.

#ifndef AGW_SERVICE_TLS_TESTING_AEAD_BASELINE_H_
#define AGW_SERVICE_TLS_TESTING_AEAD_BASELINE_H_

#include <cstddef>
#include <memory>

namespace agw {

class AeadBaseline {
 public:
  // Of one record's payload.
  static constexpr size_t kRecordSize = 16 * 1024;

  AeadBaseline();
  ~AeadBaseline();

  // Encrypts a record.
  void Seal();

  // Decrypts the record that `Seal()` made.
  void Open();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_AEAD_BASELINE_H_
