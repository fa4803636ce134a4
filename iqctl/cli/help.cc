#include "iqctl/cli/help.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace iqctl {
namespace {

struct Entry {
  std::string term;
  std::string meaning;
};

constexpr size_t kWidestTerm = 28;

// A heading and entries, the meanings below each other. Nothing if there are no entries.
std::string Section(absl::string_view heading, const std::vector<Entry>& entries, size_t width) {
  if (entries.empty()) return "";
  size_t column = 0;
  for (const Entry& entry : entries) {
    if (entry.term.size() <= kWidestTerm) column = std::max(column, entry.term.size());
  }
  std::string text = absl::StrCat("\n", heading, ":\n");
  for (const Entry& entry : entries) {
    absl::StrAppend(&text, "  ", entry.term);
    if (entry.term.size() > column) {
      absl::StrAppend(&text, "\n", std::string(column + 4, ' '));
    } else {
      absl::StrAppend(&text, std::string(column - entry.term.size() + 2, ' '));
    }
    absl::StrAppend(&text, Wrap(entry.meaning, column + 4, width), "\n");
  }
  return text;
}

std::string Paragraphs(absl::string_view description, size_t width) {
  std::string text;
  for (const absl::string_view paragraph : absl::StrSplit(description, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text, "\n", Wrap(paragraph, 0, width), "\n");
  }
  return text;
}

std::string Examples(const std::vector<Example>& examples, size_t width) {
  if (examples.empty()) return "";
  std::string text = "\nExamples:\n";
  for (const Example& example : examples) {
    absl::StrAppend(&text, "  ", example.command, "\n      ", Wrap(example.meaning, 6, width),
                    "\n");
  }
  return text;
}

std::vector<Entry> Options(const std::vector<Option>& options) {
  std::vector<Entry> entries;
  for (const Option& option : options) {
    entries.push_back({absl::StrCat(option.letter == 0 ? "    " : "", OptionSyntax(option)),
                       OptionMeaning(option)});
  }
  return entries;
}

std::vector<Entry> CommonOptions(const CommandTable& table) {
  std::vector<Entry> entries = Options(table.common_options);
  entries.push_back({"-h, --help", "Help for the program, a group of commands or a command."});
  entries.push_back({"    --version", "The version."});
  return entries;
}

std::vector<Entry> CommandsOf(const CommandTable& table, absl::string_view group) {
  std::vector<Entry> entries;
  for (const Command& command : table.commands) {
    if (command.group == group) entries.push_back({command.name, command.summary});
  }
  return entries;
}

std::vector<Entry> ExitCodes() {
  std::vector<Entry> entries;
  for (const ExitCodeMeaning& meaning : ExitCodeMeanings()) {
    entries.push_back({absl::StrCat(static_cast<int>(meaning.code)), std::string(meaning.meaning)});
  }
  return entries;
}

std::string HelpOfProgram(const CommandTable& table, size_t width) {
  std::string text = absl::StrCat("Usage: ", table.program, " COMMAND [ARGUMENT...] [OPTION...]\n");
  absl::StrAppend(&text, Paragraphs(table.description, width));
  std::vector<Entry> commands;
  for (const CommandGroup& group : table.groups) {
    for (const Entry& entry : CommandsOf(table, group.name)) {
      commands.push_back({absl::StrCat(group.name, " ", entry.term), entry.meaning});
    }
  }
  for (Entry& entry : CommandsOf(table, "")) commands.push_back(std::move(entry));
  absl::StrAppend(&text, Section("Commands", commands, width),
                  Section("Options", CommonOptions(table), width),
                  Section("Exit codes", ExitCodes(), width), Examples(table.examples, width));
  absl::StrAppend(&text, "\n\"", table.program, " COMMAND --help\" says more of a command.\n");
  return text;
}

std::string HelpOfGroup(const CommandTable& table, const CommandGroup& group, size_t width) {
  std::string text =
      absl::StrCat("Usage: ", table.program, " ", group.name,
                   " COMMAND [ARGUMENT...] [OPTION...]\n\n", Wrap(group.summary, 0, width), "\n",
                   Section("Commands", CommandsOf(table, group.name), width));
  std::vector<Example> examples;
  for (const Command& command : table.commands) {
    if (command.group == group.name && !command.examples.empty()) {
      examples.push_back(command.examples.front());
    }
  }
  absl::StrAppend(&text, Examples(examples, width));
  absl::StrAppend(&text, "\n\"", table.program, " --help\" has the options of all commands, \"",
                  table.program, " ", group.name, " COMMAND --help\" those of one.\n");
  return text;
}

std::string HelpOfCommand(const CommandTable& table, const Command& command, size_t width) {
  std::vector<Entry> arguments;
  for (const Argument& argument : command.arguments) {
    arguments.push_back({argument.name, ArgumentMeaning(argument)});
  }
  return absl::StrCat("Usage: ", UsageOf(table, command), "\n\n", Wrap(command.summary, 0, width),
                      "\n", Paragraphs(command.description, width),
                      Section("Arguments", arguments, width),
                      Section("Options of this command", Options(command.options), width),
                      Examples(command.examples, width),
                      Section("Options of all commands", CommonOptions(table), width));
}

}  // namespace

std::string UsageOf(const CommandTable& table, const Command& command) {
  std::string usage = absl::StrCat(table.program, " ", command.FullName());
  for (const Argument& argument : command.arguments) {
    const std::string name =
        argument.choices.empty() ? argument.name : absl::StrJoin(argument.choices, "|");
    absl::StrAppend(&usage, " ", argument.is_required ? "" : "[", name,
                    argument.is_repeated ? "..." : "", argument.is_required ? "" : "]");
  }
  return absl::StrCat(usage, " [OPTION...]");
}

std::string OptionSyntax(const Option& option) {
  const std::string letter =
      option.letter == 0 ? "" : absl::StrCat("-", std::string(1, option.letter), ", ");
  return absl::StrCat(letter, "--", option.name, option.value.empty() ? "" : " ", option.value);
}

std::string OptionMeaning(const Option& option) {
  std::string meaning = option.meaning;
  if (!option.choices.empty()) {
    absl::StrAppend(&meaning, " One of: ", absl::StrJoin(option.choices, ", "), ".");
  }
  if (!option.default_value.empty())
    absl::StrAppend(&meaning, " Default: ", option.default_value, ".");
  if (!option.environment.empty())
    absl::StrAppend(&meaning, " Environment: ", option.environment, ".");
  return meaning;
}

std::string ArgumentMeaning(const Argument& argument) {
  if (argument.choices.empty()) return argument.meaning;
  return absl::StrCat(argument.meaning, " One of: ", absl::StrJoin(argument.choices, ", "), ".");
}

std::string Wrap(absl::string_view text, size_t indent, size_t width) {
  std::string wrapped;
  size_t column = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > indent && column + 1 + word.size() > width) {
      absl::StrAppend(&wrapped, "\n", std::string(indent, ' '));
      column = indent;
    }
    if (column > indent) {
      absl::StrAppend(&wrapped, " ");
      ++column;
    }
    absl::StrAppend(&wrapped, word);
    column += word.size();
  }
  return wrapped;
}

std::string HelpText(const Invocation& invocation, size_t width) {
  const CommandTable& table = *invocation.table;
  if (invocation.command != nullptr) return HelpOfCommand(table, *invocation.command, width);
  const CommandGroup* group = table.FindGroup(invocation.group);
  if (group != nullptr) return HelpOfGroup(table, *group, width);
  return HelpOfProgram(table, width);
}

}  // namespace iqctl
