#include "iqctl/cli/command_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"

namespace iqctl {
namespace {

// How many letters must be changed, added or taken away to come from one word to the other.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

absl::Status Unknown(absl::string_view what, absl::string_view word,
                     const std::vector<std::string>& words, absl::string_view all) {
  const std::string nearest = NearestWord(word, words);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown ", what, " \"", word, "\"",
                   nearest.empty() ? absl::StrCat("; there are: ", all)
                                   : absl::StrCat("; did you mean \"", nearest, "\"?")));
}

class Reader {
 public:
  Reader(const CommandTable& table, const std::vector<std::string>& arguments)
      : table_(table), arguments_(arguments) {
    invocation_.table = &table;
  }

  absl::StatusOr<Invocation> Read(const Environment& environment) {
    bool options_may_come = true;
    for (position_ = 0; position_ < arguments_.size(); ++position_) {
      const std::string& word = arguments_[position_];
      if (options_may_come && word == "--") {
        options_may_come = false;
      } else if (options_may_come && word.size() > 1 && word[0] == '-') {
        RETURN_IF_ERROR(ReadOption(word));
      } else {
        RETURN_IF_ERROR(ReadWord(word));
      }
    }
    if (invocation_.wants_help || invocation_.wants_version) return std::move(invocation_);
    RETURN_IF_ERROR(CheckOptions());
    RETURN_IF_ERROR(CheckArguments());
    RETURN_IF_ERROR(FillInOptions(environment));
    return std::move(invocation_);
  }

 private:
  absl::Status ReadWord(const std::string& word) {
    if (invocation_.command != nullptr) {
      invocation_.arguments.push_back(word);
      return absl::OkStatus();
    }
    if (invocation_.group.empty() && word == "help") {
      invocation_.wants_help = true;
      return absl::OkStatus();
    }
    invocation_.command = table_.Find(invocation_.group, word);
    if (invocation_.command != nullptr) return absl::OkStatus();
    if (invocation_.group.empty() && table_.FindGroup(word) != nullptr) {
      invocation_.group = word;
      return absl::OkStatus();
    }
    const std::vector<std::string> names = NextWords();
    return Unknown(
        invocation_.group.empty() ? "command" : absl::StrCat("command of ", invocation_.group),
        word, names, absl::StrJoin(names, ", "));
  }

  std::vector<std::string> NextWords() const {
    std::vector<std::string> names;
    if (invocation_.group.empty()) {
      for (const CommandGroup& group : table_.groups) names.push_back(group.name);
    }
    for (const Command& command : table_.commands) {
      if (command.group == invocation_.group) names.push_back(command.name);
    }
    return names;
  }

  // An option that all commands or any command has; what does not belong to the command is found
  // when the command is known.
  const Option* FindOption(absl::string_view name, char letter) const {
    const auto is_it = [name, letter](const Option& option) {
      return letter != 0 ? option.letter == letter : option.name == name;
    };
    for (const Option& option : table_.common_options) {
      if (is_it(option)) return &option;
    }
    for (const Command& command : table_.commands) {
      for (const Option& option : command.options) {
        if (is_it(option)) return &option;
      }
    }
    return nullptr;
  }

  absl::Status ReadOption(const std::string& word) {
    const bool is_long = word[1] == '-';
    const size_t equals = word.find('=');
    const bool has_value = is_long ? equals != std::string::npos : word.size() > 2;
    const std::string name = is_long
                                 ? word.substr(2, equals == std::string::npos ? equals : equals - 2)
                                 : word.substr(1, 1);
    if (name == "help" || (!is_long && name == "h")) {
      invocation_.wants_help = true;
      return absl::OkStatus();
    }
    if (name == "version") {
      invocation_.wants_version = true;
      return absl::OkStatus();
    }
    const Option* option = is_long ? FindOption(name, 0) : FindOption("", name[0]);
    if (option == nullptr) return UnknownOption(is_long ? absl::StrCat("--", name) : word);
    std::string value;
    if (option->value.empty()) {
      if (has_value) {
        return absl::InvalidArgumentError(absl::StrCat("--", option->name, " takes no value"));
      }
    } else if (has_value) {
      value = is_long ? word.substr(equals + 1) : word.substr(word[2] == '=' ? 3 : 2);
    } else if (position_ + 1 < arguments_.size()) {
      value = arguments_[++position_];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--", option->name, " needs a value: --", option->name, " ", option->value));
    }
    invocation_.options[option->name] = std::move(value);
    invocation_.given[option->name] = true;
    return absl::OkStatus();
  }

  absl::Status UnknownOption(absl::string_view word) const {
    std::vector<std::string> names = {"--help", "--version"};
    for (const Option& option : table_.common_options) names.push_back("--" + option.name);
    if (invocation_.command != nullptr) {
      for (const Option& option : invocation_.command->options) {
        names.push_back("--" + option.name);
      }
    }
    return Unknown("option", word, names, absl::StrJoin(names, ", "));
  }

  // Those of the command and of all commands.
  std::vector<const Option*> KnownOptions() const {
    std::vector<const Option*> known;
    for (const Option& option : table_.common_options) known.push_back(&option);
    for (const Option& option : invocation_.command->options) known.push_back(&option);
    return known;
  }

  absl::Status CheckOptions() const {
    if (invocation_.command == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("a command is missing; there are: ", absl::StrJoin(NextWords(), ", ")));
    }
    const std::vector<const Option*> known = KnownOptions();
    for (const auto& [name, given] : invocation_.given) {
      const auto has_name = [&name = name](const Option* option) { return option->name == name; };
      if (std::none_of(known.begin(), known.end(), has_name)) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", invocation_.command->FullName(), "\" has no option --", name));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckArguments() const {
    const Command& command = *invocation_.command;
    size_t least = 0;
    for (const Argument& argument : command.arguments) least += argument.is_required ? 1 : 0;
    const size_t count = invocation_.arguments.size();
    if (count < least) {
      return absl::InvalidArgumentError(absl::StrCat(command.arguments[count].name, " is missing"));
    }
    if (count > command.arguments.size() &&
        (command.arguments.empty() || !command.arguments.back().is_repeated)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unexpected argument \"", invocation_.arguments[command.arguments.size()], "\""));
    }
    for (size_t i = 0; i < count; ++i) {
      const Argument& argument = command.arguments[std::min(i, command.arguments.size() - 1)];
      RETURN_IF_ERROR(CheckChoice(argument.name, invocation_.arguments[i], argument.choices));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckChoice(absl::string_view name, const std::string& value,
                                  const std::vector<std::string>& choices) {
    if (choices.empty() || std::count(choices.begin(), choices.end(), value) > 0) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is \"", value, "\" and must be one of: ", absl::StrJoin(choices, ", ")));
  }

  absl::Status FillInOptions(const Environment& environment) {
    for (const Option* option : KnownOptions()) {
      if (!invocation_.options.contains(option->name)) {
        const absl::optional<std::string> value =
            option->environment.empty() ? absl::nullopt : environment(option->environment);
        if (value.has_value() && !value->empty()) {
          invocation_.options[option->name] = *value;
        } else if (!option->default_value.empty()) {
          invocation_.options[option->name] = option->default_value;
        }
      }
      const auto found = invocation_.options.find(option->name);
      if (found != invocation_.options.end()) {
        RETURN_IF_ERROR(CheckChoice("--" + option->name, found->second, option->choices));
      }
    }
    return absl::OkStatus();
  }

  const CommandTable& table_;
  const std::vector<std::string>& arguments_;
  size_t position_ = 0;
  Invocation invocation_;
};

}  // namespace

absl::StatusOr<Invocation> ReadCommandLine(const CommandTable& table,
                                           const std::vector<std::string>& arguments,
                                           const Environment& environment) {
  return Reader(table, arguments).Read(environment);
}

absl::StatusOr<absl::Duration> DurationValue(const Invocation& invocation,
                                             absl::string_view option) {
  const std::string& text = invocation.Value(option);
  // As in the configuration files of the services, "5min", which Abseil calls "5m".
  std::string abseil_text = text;
  if (absl::EndsWith(abseil_text, "min")) abseil_text.resize(abseil_text.size() - 2);
  absl::Duration duration;
  if (!absl::ParseDuration(abseil_text, &duration) || duration <= absl::ZeroDuration() ||
      duration > absl::Hours(24)) {
    return absl::InvalidArgumentError(absl::StrCat("--", option, " is \"", text,
                                                   "\" and must be a time up to 24h, like 500ms, "
                                                   "5s or 2min"));
  }
  return duration;
}

absl::StatusOr<int> CountValue(const Invocation& invocation, absl::string_view option) {
  const std::string& text = invocation.Value(option);
  int count;
  if (!absl::SimpleAtoi(text, &count) || count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", option, " is \"", text, "\" and must be a number from 1"));
  }
  return count;
}

std::string NearestWord(absl::string_view word, const std::vector<std::string>& words) {
  std::string nearest;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : words) {
    const size_t distance = Distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace iqctl
