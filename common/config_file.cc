#include "common/config_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "common/read_file.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "yaml-cpp/yaml.h"

namespace common {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The largest that google.protobuf.Duration allows: 10,000 years.
constexpr double kLongestDuration = 315576000000.0;

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

// SWITCH_OFF is "off": without what the enum's values have in common.
std::string ShortName(const EnumValueDescriptor& value) {
  absl::string_view prefix = value.type()->value(0)->name();
  prefix = absl::StripSuffix(prefix, "UNSPECIFIED");
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), prefix));
}

const EnumValueDescriptor* FindByShortName(const EnumDescriptor& type, absl::string_view text) {
  for (int i = 1; i < type.value_count(); ++i) {
    if (ShortName(*type.value(i)) == text) return type.value(i);
  }
  return nullptr;
}

std::string ShortNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) {
    names.push_back(absl::StrCat("\"", ShortName(*type.value(i)), "\""));
  }
  return absl::StrJoin(names, ", ");
}

// Reads "1500ms", "30s", "5min", "24h" or "7d" as seconds.
absl::optional<double> ParseSeconds(absl::string_view text) {
  static constexpr std::pair<absl::string_view, double> kUnits[] = {
      {"ms", 0.001}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  const auto unit_start =
      std::find_if(text.begin(), text.end(), [](char c) { return absl::ascii_isalpha(c); });
  const absl::string_view number = text.substr(0, unit_start - text.begin());
  const absl::string_view unit = text.substr(number.size());
  double value = 0;
  if (number.empty() || !absl::ascii_isdigit(number.front()) ||
      !absl::ascii_isdigit(number.back()) || !absl::SimpleAtod(number, &value)) {
    return absl::nullopt;
  }
  for (const auto& [name, seconds] : kUnits) {
    if (unit == name && value * seconds <= kLongestDuration) return value * seconds;
  }
  return absl::nullopt;
}

// "${POD_IP}:7060" with the variables of the environment, or an error that names the one that is
// missing.
absl::StatusOr<std::string> ReplaceVariables(absl::string_view text) {
  std::string out;
  for (;;) {
    const size_t dollar = text.find("${");
    if (dollar == absl::string_view::npos) break;
    if (dollar > 0 && text[dollar - 1] == '$') {
      absl::StrAppend(&out, text.substr(0, dollar - 1), "${");
      text.remove_prefix(dollar + 2);
      continue;
    }
    const size_t end = text.find('}', dollar);
    if (end == absl::string_view::npos) {
      return absl::InvalidArgumentError("has a \"${\" without \"}\"");
    }
    const std::string name(text.substr(dollar + 2, end - dollar - 2));
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the environment variable ", name, " is not set"));
    }
    absl::StrAppend(&out, text.substr(0, dollar), value);
    text.remove_prefix(end + 1);
  }
  absl::StrAppend(&out, text);
  return out;
}

// Goes through the YAML and the schema together.
class Loader {
 public:
  explicit Loader(ConfigErrors* errors) : errors_(errors) {}

  void LoadMessage(const YAML::Node& node, const std::string& path, Message* out) {
    if (!node.IsMap()) {
      errors_->Add(path, "must have keys and values below it");
      return;
    }
    std::vector<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        errors_->Add(path, "has a key that is not a name");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      const std::string key_path = path.empty() ? key : absl::StrCat(path, ".", key);
      errors_->SetLine(key_path, LineOf(entry.first));
      const FieldDescriptor* field = out->GetDescriptor()->FindFieldByName(key);
      if (field == nullptr) {
        errors_->Add(key_path, absl::StrCat("unknown key; there are: ", Keys(*out)));
      } else if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        errors_->Add(key_path, "stands twice");
      } else if (entry.second.IsNull()) {
        errors_->Add(key_path, "has no value; without the key it has its default");
      } else {
        LoadField(entry.second, key_path, *field, out);
      }
      seen.push_back(key);
    }
  }

 private:
  static std::string Keys(const Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    std::vector<std::string> keys;
    for (int i = 0; i < type.field_count(); ++i) keys.push_back(type.field(i)->name());
    return absl::StrJoin(keys, ", ");
  }

  void LoadField(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message* out) {
    if (!field.is_repeated()) return LoadValue(node, path, field, out);
    if (!node.IsSequence()) {
      errors_->Add(path, "must be a list");
      return;
    }
    out->GetReflection()->ClearField(out, &field);
    for (size_t i = 0; i < node.size(); ++i) {
      const std::string element_path = absl::StrCat(path, "[", i, "]");
      errors_->SetLine(element_path, LineOf(node[i]));
      LoadValue(node[i], element_path, field, out);
    }
  }

  // Sets `field`, or adds a value to it if it is repeated.
  void LoadValue(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message* out) {
    const Reflection& reflection = *out->GetReflection();
    std::string text;
    if (node.IsScalar()) {
      const absl::StatusOr<std::string> replaced = ReplaceVariables(node.Scalar());
      if (!replaced.ok()) return errors_->Add(path, replaced.status().message());
      text = *replaced;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* message = field.is_repeated() ? reflection.AddMessage(out, &field)
                                             : reflection.MutableMessage(out, &field);
      if (auto* duration = dynamic_cast<google::protobuf::Duration*>(message)) {
        return LoadDuration(text, path, duration);
      }
      return LoadMessage(node, path, message);
    }
    if (!node.IsScalar()) {
      errors_->Add(path, "must be a single value");
      return;
    }
    LoadScalar(text, path, field, out);
  }

  void LoadDuration(const std::string& text, const std::string& path,
                    google::protobuf::Duration* out) {
    const absl::optional<double> seconds = ParseSeconds(text);
    if (!seconds.has_value()) {
      errors_->Add(path,
                   "must be a duration such as \"1500ms\", \"30s\", \"5min\", \"24h\", \"7d\"");
      return;
    }
    out->set_seconds(static_cast<int64_t>(*seconds));
    out->set_nanos(static_cast<int32_t>((*seconds - static_cast<double>(out->seconds())) * 1e9));
  }

  void LoadScalar(const std::string& text, const std::string& path, const FieldDescriptor& field,
                  Message* out) {
    const Reflection& reflection = *out->GetReflection();
    const bool add = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return add ? reflection.AddString(out, &field, text)
                   : reflection.SetString(out, &field, text);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (text != "true" && text != "false") {
          return errors_->Add(path, "must be true or false");
        }
        return add ? reflection.AddBool(out, &field, text == "true")
                   : reflection.SetBool(out, &field, text == "true");
      case FieldDescriptor::CPPTYPE_ENUM: {
        const EnumValueDescriptor* value = FindByShortName(*field.enum_type(), text);
        if (value == nullptr) {
          return errors_->Add(path,
                              absl::StrCat("must be one of ", ShortNames(*field.enum_type())));
        }
        return add ? reflection.AddEnum(out, &field, value)
                   : reflection.SetEnum(out, &field, value);
      }
      case FieldDescriptor::CPPTYPE_INT32:
        return LoadInteger<int32_t>(text, path, [&](int32_t value) {
          add ? reflection.AddInt32(out, &field, value) : reflection.SetInt32(out, &field, value);
        });
      case FieldDescriptor::CPPTYPE_INT64:
        return LoadInteger<int64_t>(text, path, [&](int64_t value) {
          add ? reflection.AddInt64(out, &field, value) : reflection.SetInt64(out, &field, value);
        });
      case FieldDescriptor::CPPTYPE_UINT32:
        return LoadInteger<uint32_t>(text, path, [&](uint32_t value) {
          add ? reflection.AddUInt32(out, &field, value) : reflection.SetUInt32(out, &field, value);
        });
      case FieldDescriptor::CPPTYPE_UINT64:
        return LoadInteger<uint64_t>(text, path, [&](uint64_t value) {
          add ? reflection.AddUInt64(out, &field, value) : reflection.SetUInt64(out, &field, value);
        });
      default:
        return errors_->Add(path, "is of a type that a configuration file cannot have");
    }
  }

  template <typename T, typename Store>
  void LoadInteger(const std::string& text, const std::string& path, Store store) {
    T value = 0;
    if (absl::SimpleAtoi(text, &value)) return store(value);
    const bool is_number =
        !text.empty() && std::all_of(text.begin() + (text[0] == '-' ? 1 : 0), text.end(),
                                     [](char c) { return absl::ascii_isdigit(c); });
    errors_->Add(path, is_number ? absl::StrCat("must be from ", std::numeric_limits<T>::min(),
                                                " to ", std::numeric_limits<T>::max())
                                 : "must be a whole number");
  }

  ConfigErrors* errors_;
};

}  // namespace

void ConfigErrors::Add(absl::string_view path, absl::string_view message) {
  errors_.push_back({std::string(path), std::string(message), LineOf(path)});
}

void ConfigErrors::SetLine(absl::string_view path, int line) { lines_[path] = line; }

int ConfigErrors::LineOf(absl::string_view path) const {
  while (!path.empty()) {
    const auto it = lines_.find(path);
    if (it != lines_.end()) return it->second;
    const size_t end = path.find_last_of(".[");
    path = path.substr(0, end == absl::string_view::npos ? 0 : end);
  }
  const auto it = lines_.find(path);
  return it != lines_.end() ? it->second : 0;
}

absl::Status ConfigErrors::ToStatus(absl::string_view file_name) const {
  if (errors_.empty()) return absl::OkStatus();
  std::vector<std::string> texts;
  for (const Error& error : errors_) {
    std::string place(file_name);
    if (error.line > 0) absl::StrAppend(&place, ":", error.line);
    texts.push_back(absl::StrCat(place, place.empty() ? "" : ": ", error.path,
                                 error.path.empty() ? "" : ": ", error.message));
  }
  return absl::InvalidArgumentError(absl::StrJoin(texts, "\n"));
}

void LoadYaml(absl::string_view yaml, Message* out, ConfigErrors* errors) {
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(std::string(yaml));
  } catch (const YAML::Exception& exception) {
    errors->SetLine("", exception.mark.line + 1);
    errors->Add("", absl::StrCat("is not YAML: ", exception.msg));
    return;
  }
  if (documents.size() > 1) errors->Add("", "has more than one document");
  if (documents.empty() || documents[0].IsNull()) return;
  Loader(errors).LoadMessage(documents[0], "", out);
}

absl::Status LoadYaml(absl::string_view yaml, absl::string_view file_name, Message* out) {
  ConfigErrors errors;
  LoadYaml(yaml, out, &errors);
  return errors.ToStatus(file_name);
}

void LoadYamlFile(const std::string& file_name, Message* out, ConfigErrors* errors) {
  const absl::StatusOr<std::string> content = ReadFile(file_name);
  if (!content.ok()) return errors->Add("", content.status().message());
  LoadYaml(*content, out, errors);
}

}  // namespace common
