#include "iqctl/cli/command.h"

namespace iqctl {

const Command* CommandTable::Find(absl::string_view group, absl::string_view name) const {
  for (const Command& command : commands) {
    if (command.group == group && command.name == name) return &command;
  }
  return nullptr;
}

const CommandGroup* CommandTable::FindGroup(absl::string_view name) const {
  for (const CommandGroup& group : groups) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const std::string& Invocation::Value(absl::string_view option) const {
  static const std::string* const kNothing = new std::string;
  const auto found = options.find(option);
  return found == options.end() ? *kNothing : found->second;
}

}  // namespace iqctl
