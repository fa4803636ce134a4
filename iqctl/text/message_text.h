// Protobuf messages as JSON and YAML.

#ifndef IQCTL_TEXT_MESSAGE_TEXT_H_
#define IQCTL_TEXT_MESSAGE_TEXT_H_

#include <string>

#include "google/protobuf/message.h"

namespace iqctl {

// Protobuf's JSON, with the field names of the .proto files and with fields that have their default, so that
// a program finds each field that is no message. Numbers of 64 bits are strings, as protobuf has it. Ends
// with a line break.
std::string ToJsonLine(const google::protobuf::Message& message);  // All in one line.
std::string ToJson(const google::protobuf::Message& message);      // Indented.

// The same as YAML, in the order of the JSON. What JSON has as a string is a string in YAML too.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace iqctl

#endif  // IQCTL_TEXT_MESSAGE_TEXT_H_
