#include "iqctl/cli/completion.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace iqctl {
namespace {

std::vector<std::string> SpellingsOf(const Option& option) {
  std::vector<std::string> spellings = {absl::StrCat("--", option.name)};
  if (option.letter != 0) spellings.push_back(absl::StrCat("-", std::string(1, option.letter)));
  return spellings;
}

// Each option of the table once, by name: commands may share some.
std::vector<const Option*> AllOptions(const CommandTable& table) {
  std::vector<const Option*> all;
  const auto add = [&all](const Option& option) {
    for (const Option* known : all) {
      if (known->name == option.name) return;
    }
    all.push_back(&option);
  };
  for (const Option& option : table.common_options) add(option);
  for (const Command& command : table.commands) {
    for (const Option& option : command.options) add(option);
  }
  return all;
}

std::vector<std::string> OptionWords(const CommandTable& table, const Command& command) {
  std::vector<std::string> words;
  for (const Option& option : command.options) words.push_back("--" + option.name);
  for (const Option& option : table.common_options) words.push_back("--" + option.name);
  words.push_back("--help");
  return words;
}

// What a shell function does with `$prev`, `$command` and the words; both shells read it.
class ScriptParts {
 public:
  explicit ScriptParts(const CommandTable& table) : table_(table) {}

  // "-o|--output|...": options that take a value.
  std::string OptionsWithValue() const {
    std::vector<std::string> spellings;
    for (const Option* option : AllOptions(table_)) {
      if (option->value.empty()) continue;
      for (std::string& spelling : SpellingsOf(*option)) spellings.push_back(std::move(spelling));
    }
    return absl::StrJoin(spellings, "|");
  }

  // "group1|group2", as a pattern.
  std::string Groups() const {
    std::vector<std::string> names;
    for (const CommandGroup& group : table_.groups) names.push_back(group.name);
    return absl::StrJoin(names, "|");
  }

  // Branches of a case over the option before the cursor: `choices` is set, or `files` to 1.
  std::string ValueBranches() const {
    std::string branches;
    for (const Option* option : AllOptions(table_)) {
      if (option->value.empty()) continue;
      absl::StrAppend(&branches, "    ", absl::StrJoin(SpellingsOf(*option), "|"), ") ",
                      option->is_file
                          ? "files=1"
                          : absl::StrCat("choices=\"", absl::StrJoin(option->choices, " "), "\""),
                      " ;;\n");
    }
    return branches;
  }

  // Branches of a case over the command so far: the words that can come next.
  std::string WordBranches() const {
    std::string branches;
    std::vector<std::string> words;
    for (const CommandGroup& group : table_.groups) words.push_back(group.name);
    for (const Command& command : table_.commands) {
      if (command.group.empty()) words.push_back(command.name);
    }
    words.insert(words.end(), {"help", "--help", "--version"});
    AddBranch("", words, &branches);
    for (const CommandGroup& group : table_.groups) {
      std::vector<std::string> names;
      for (const Command& command : table_.commands) {
        if (command.group == group.name) names.push_back(command.name);
      }
      names.push_back("--help");
      AddBranch(group.name, names, &branches);
    }
    for (const Command& command : table_.commands) {
      std::vector<std::string> next = OptionWords(table_, command);
      if (!command.arguments.empty()) {
        const std::vector<std::string>& choices = command.arguments.front().choices;
        next.insert(next.end(), choices.begin(), choices.end());
      }
      AddBranch(command.FullName(), next, &branches);
    }
    return branches;
  }

 private:
  static void AddBranch(const std::string& command, const std::vector<std::string>& words,
                        std::string* branches) {
    absl::StrAppend(branches, "    \"", command, "\") choices=\"", absl::StrJoin(words, " "),
                    "\" ;;\n");
  }

  const CommandTable& table_;
};

constexpr char kBash[] = R"(# Completion of PROGRAM for bash: source <(PROGRAM completion bash)
_PROGRAM() {
  local cur prev command="" word choices="" files="" i
  cur=${COMP_WORDS[COMP_CWORD]}
  prev=${COMP_WORDS[COMP_CWORD-1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      OPTIONS_WITH_VALUE) ((++i)) ;;
      -*) ;;
      help) [[ -z $command ]] || break ;;
      *)
        case $command in
          "") command=$word ;;
          GROUPS) command="$command $word" ;;
          *) break ;;
        esac
        ;;
    esac
  done
  case $prev in
VALUE_BRANCHES    *)
      case $command in
WORD_BRANCHES      esac
      ;;
  esac
  if [[ -n $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
  fi
}
complete -o default -F _PROGRAM PROGRAM
)";

constexpr char kZsh[] = R"(#compdef PROGRAM
# Completion of PROGRAM for zsh: source <(PROGRAM completion zsh), after compinit
_PROGRAM() {
  local prev command="" word choices="" files="" i
  prev=${words[CURRENT-1]}
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    case $word in
      (OPTIONS_WITH_VALUE) ((++i)) ;;
      (-*) ;;
      (help) [[ -z $command ]] || break ;;
      (*)
        case $command in
          ("") command=$word ;;
          (GROUPS) command="$command $word" ;;
          (*) break ;;
        esac
        ;;
    esac
  done
  case $prev in
VALUE_BRANCHES    *)
      case $command in
WORD_BRANCHES      esac
      ;;
  esac
  if [[ -n $files ]]; then
    _files
  else
    compadd -- ${=choices}
  fi
}
compdef _PROGRAM PROGRAM
)";

std::string FillIn(absl::string_view script, const CommandTable& table) {
  const ScriptParts parts(table);
  const std::string word_branches =
      "    " + absl::StrReplaceAll(parts.WordBranches(), {{"\n    ", "\n        "}});
  return absl::StrReplaceAll(script, {{"OPTIONS_WITH_VALUE", parts.OptionsWithValue()},
                                      {"GROUPS", parts.Groups()},
                                      {"VALUE_BRANCHES", parts.ValueBranches()},
                                      {"WORD_BRANCHES", word_branches},
                                      {"PROGRAM", table.program}});
}

}  // namespace

std::string BashCompletion(const CommandTable& table) { return FillIn(kBash, table); }

std::string ZshCompletion(const CommandTable& table) { return FillIn(kZsh, table); }

}  // namespace iqctl
