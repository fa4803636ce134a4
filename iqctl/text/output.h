// Where results go, in the format asked for.

#ifndef IQCTL_TEXT_OUTPUT_H_
#define IQCTL_TEXT_OUTPUT_H_

#include <ostream>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

enum class Format { kTable, kJson, kYaml };

// One thread.
class Output {
 public:
  // `results` is described by `terminal`; `messages` is for what is no result. Both outlive this.
  Output(std::ostream& results, std::ostream& messages, const Terminal& terminal)
      : results_(results), messages_(messages), terminal_(terminal) {}

  void set_format(Format format) { format_ = format; }
  bool is_table() const { return format_ == Format::kTable; }
  const Terminal& terminal() const { return terminal_; }

  // Text for people, with its line breaks.
  void PrintText(absl::string_view text);

  // A result as JSON or YAML; only where the format is not `kTable`.
  void PrintMessage(const google::protobuf::Message& message);

  // One of many results: a line of JSON, or a YAML document that begins with "---".
  void PrintStreamed(const google::protobuf::Message& message);

  // A line for people beside the results.
  void PrintNote(absl::string_view line);

  // Whether everything could be written.
  bool ok() const { return results_.good(); }

 private:
  std::ostream& results_;
  std::ostream& messages_;
  const Terminal terminal_;
  Format format_ = Format::kTable;
};

}  // namespace iqctl

#endif  // IQCTL_TEXT_OUTPUT_H_
