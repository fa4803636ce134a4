// Configuration files: YAML of which a protobuf message is the schema.
//
// Keys are the field names of the .proto. An enum value is written in short: "off" for SWITCH_OFF.
// A google.protobuf.Duration is a number and a unit: "1500ms", "30s", "5min", "24h", "7d". In any value
// "${NAME}" stands for the environment variable, which must be set; "$${" is "${".
//
// Whoever starts a service should not have to find the mistakes one after the other, so all of them
// are collected: those of form here, those of meaning by the service, with the same `ConfigErrors`.

#ifndef COMMON_CONFIG_FILE_H_
#define COMMON_CONFIG_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google {
namespace protobuf {
class Message;
}  // namespace protobuf
}  // namespace google

namespace common {

// The mistakes found in one configuration. Not thread-safe.
class ConfigErrors {
 public:
  // `path` names the field: "realms[0].first_port"; empty for the file as a whole.
  void Add(absl::string_view path, absl::string_view message);

  // Says where in the file `path` is, for the mistakes added later. Lines count from 1.
  void SetLine(absl::string_view path, int line);

  bool empty() const { return errors_.empty(); }
  size_t size() const { return errors_.size(); }

  // OK, or `kInvalidArgument` with one line for each mistake, in the order they were added:
  // "agw.yaml:12: realms[0].first_port: must not be below 1024".
  absl::Status ToStatus(absl::string_view file_name) const;

 private:
  struct Error {
    std::string path;
    std::string message;
    int line;  // 0 if not known.
  };

  // The line of `path`, or of what it is part of if it is not in the file itself.
  int LineOf(absl::string_view path) const;

  std::vector<Error> errors_;
  absl::flat_hash_map<std::string, int> lines_;
};

// Sets the fields of `out` that `yaml` names, and tells `errors` what is wrong: syntax, unknown and
// duplicate keys, values of another type, numbers out of the type's range. A field with a mistake
// keeps what it had, so that `out` can go through validation all the same. Empty text sets nothing.
void LoadYaml(absl::string_view yaml, google::protobuf::Message* out, ConfigErrors* errors);

// The same for callers without checks of their own: all mistakes in one `kInvalidArgument`.
// `file_name` is only for the message.
absl::Status LoadYaml(absl::string_view yaml, absl::string_view file_name,
                      google::protobuf::Message* out);

// The same for a file. `errors` also gets "cannot be read".
void LoadYamlFile(const std::string& file_name, google::protobuf::Message* out,
                  ConfigErrors* errors);

}  // namespace common

#endif  // COMMON_CONFIG_FILE_H_
