#include "iqctl/text/message_text.h"

#include "common/check.h"
#include "google/protobuf/util/json_util.h"
#include "yaml-cpp/yaml.h"

namespace iqctl {
namespace {

std::string MakeJson(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  CHECK(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  if (json.empty() || json.back() != '\n') json += '\n';
  return json;
}

// JSON is YAML, so its parser reads it; what was in quotes has the tag "!" and stays a string.
void Emit(const YAML::Node& node, YAML::Emitter* emitter) {
  if (node.IsMap()) {
    if (node.size() == 0) *emitter << YAML::Flow;
    *emitter << YAML::BeginMap;
    for (const auto& entry : node) {
      *emitter << YAML::Key << entry.first.Scalar() << YAML::Value;
      Emit(entry.second, emitter);
    }
    *emitter << YAML::EndMap;
  } else if (node.IsSequence()) {
    if (node.size() == 0) *emitter << YAML::Flow;
    *emitter << YAML::BeginSeq;
    for (const auto& entry : node) Emit(entry, emitter);
    *emitter << YAML::EndSeq;
  } else if (node.IsNull()) {
    *emitter << YAML::Null;
  } else if (node.Tag() == "!") {
    *emitter << YAML::DoubleQuoted << node.Scalar();
  } else {
    *emitter << node.Scalar();
  }
}

}  // namespace

std::string ToJsonLine(const google::protobuf::Message& message) {
  return MakeJson(message, /*indented=*/false);
}

std::string ToJson(const google::protobuf::Message& message) {
  return MakeJson(message, /*indented=*/true);
}

std::string ToYaml(const google::protobuf::Message& message) {
  YAML::Emitter emitter;
  Emit(YAML::Load(ToJson(message)), &emitter);
  CHECK(emitter.good());
  return std::string(emitter.c_str()) + "\n";
}

}  // namespace iqctl
