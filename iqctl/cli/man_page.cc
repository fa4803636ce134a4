#include "iqctl/cli/man_page.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "iqctl/cli/help.h"

namespace iqctl {
namespace {

// Plain text as roff: no character of it is a request.
std::string Escaped(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")) {
    escaped = absl::StrCat("\\&", escaped);
  }
  return escaped;
}

class Page {
 public:
  explicit Page(std::string* roff) : roff_(*roff) {}

  void Section(absl::string_view name) { absl::StrAppend(&roff_, ".SH ", name, "\n"); }
  void Subsection(absl::string_view name) {
    absl::StrAppend(&roff_, ".SS \"", Escaped(name), "\"\n");
  }
  void Text(absl::string_view text) { absl::StrAppend(&roff_, Escaped(text), "\n"); }
  void Paragraphs(absl::string_view text) {
    for (const absl::string_view paragraph : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&roff_, ".PP\n", Escaped(paragraph), "\n");
    }
  }
  void Entry(absl::string_view term, absl::string_view meaning) {
    absl::StrAppend(&roff_, ".TP\n\\fB", Escaped(term), "\\fR\n", Escaped(meaning), "\n");
  }
  void Examples(const std::vector<Example>& examples) {
    for (const Example& example : examples) {
      absl::StrAppend(&roff_, ".PP\n", Escaped(example.meaning), "\n.PP\n.RS 4\n.nf\n",
                      Escaped(example.command), "\n.fi\n.RE\n");
    }
  }

 private:
  std::string& roff_;
};

void AddCommand(const CommandTable& table, const Command& command, Page* page) {
  page->Subsection(UsageOf(table, command));
  page->Text(command.summary);
  page->Paragraphs(command.description);
  for (const Argument& argument : command.arguments) {
    page->Entry(argument.name, ArgumentMeaning(argument));
  }
  for (const Option& option : command.options) {
    page->Entry(OptionSyntax(option), OptionMeaning(option));
  }
  page->Examples(command.examples);
}

}  // namespace

std::string ManPage(const CommandTable& table, absl::string_view version) {
  std::string roff = absl::StrCat(".TH ", absl::AsciiStrToUpper(table.program), " 1 \"\" \"iqgate ",
                                  Escaped(version), "\" \"iqgate\"\n");
  Page page(&roff);
  page.Section("NAME");
  page.Text(absl::StrCat(table.program, " - ", table.summary));
  page.Section("SYNOPSIS");
  absl::StrAppend(&roff, "\\fB", table.program,
                  "\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n");
  page.Section("DESCRIPTION");
  page.Paragraphs(table.description);
  page.Section("COMMANDS");
  for (const Command& command : table.commands) AddCommand(table, command, &page);
  page.Section("OPTIONS");
  page.Text("All commands take these.");
  for (const Option& option : table.common_options) {
    page.Entry(OptionSyntax(option), OptionMeaning(option));
  }
  page.Entry("-h, --help", "Help for the program, a group of commands or a command.");
  page.Entry("--version", "The version.");
  page.Section("\"EXIT STATUS\"");
  for (const ExitCodeMeaning& meaning : ExitCodeMeanings()) {
    page.Entry(absl::StrCat(static_cast<int>(meaning.code)), meaning.meaning);
  }
  page.Section("ENVIRONMENT");
  for (const Option& option : table.common_options) {
    if (option.environment.empty()) continue;
    page.Entry(option.environment, absl::StrCat("Stands in for --", option.name, "."));
  }
  page.Entry("NO_COLOR", "If it is not empty, there is no colour.");
  page.Section("EXAMPLES");
  page.Examples(table.examples);
  return roff;
}

}  // namespace iqctl
