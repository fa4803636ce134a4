#include "iqctl/text/output.h"

#include "iqctl/text/message_text.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

void Output::PrintText(absl::string_view text) { results_ << text << std::flush; }

void Output::PrintMessage(const google::protobuf::Message& message) {
  results_ << (format_ == Format::kYaml ? ToYaml(message) : ToJson(message)) << std::flush;
}

void Output::PrintStreamed(const google::protobuf::Message& message) {
  if (format_ == Format::kYaml) {
    results_ << "---\n" << ToYaml(message) << std::flush;
  } else {
    results_ << ToJsonLine(message) << std::flush;
  }
}

void Output::PrintNote(absl::string_view line) {
  messages_ << Printable(line) << "\n" << std::flush;
}

}  // namespace iqctl
