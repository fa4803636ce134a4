#include "iqctl/run.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/command_table.h"

namespace iqctl {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// grpc_test_main: some of these make channels.

class RunTest : public testing::Test {
 protected:
  ExitCode RunWith(const std::vector<std::string>& arguments) {
    results_.str("");
    messages_.str("");
    const auto environment = [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? absl::nullopt
                                         : absl::optional<std::string>(found->second);
    };
    return iqctl::Run(arguments, environment, results_, messages_, Terminal());
  }

  absl::flat_hash_map<std::string, std::string> environment_;
  std::ostringstream results_;
  std::ostringstream messages_;
};

TEST_F(RunTest, EachCommandHasHelpWithAnExample) {
  for (const Command& command : MakeCommandTable().commands) {
    std::vector<std::string> words = {command.name, "--help"};
    if (!command.group.empty()) words.insert(words.begin(), command.group);
    EXPECT_EQ(RunWith(words), ExitCode::kOk);
    EXPECT_THAT(results_.str(), HasSubstr(absl::StrCat("Usage: iqctl ", command.FullName())));
    EXPECT_THAT(results_.str(), HasSubstr("\nExamples:\n")) << command.FullName();
    EXPECT_THAT(messages_.str(), IsEmpty());
  }
}

TEST_F(RunTest, TheVersionIsThatOfAll) {
  EXPECT_EQ(RunWith({"--version"}), ExitCode::kOk);
  EXPECT_EQ(results_.str(), absl::StrCat("iqctl ", common::kVersion, "\n"));
}

TEST_F(RunTest, MistakesGoToTheMessagesWithTheHelpThatHelps) {
  EXPECT_EQ(RunWith({"agw", "get"}), ExitCode::kUsage);
  EXPECT_EQ(messages_.str(), "iqctl: INSTANCE is missing\n  see: iqctl agw get --help\n");
  EXPECT_THAT(results_.str(), IsEmpty());
  EXPECT_EQ(RunWith({"agw", "-o", "json"}), ExitCode::kUsage);
  EXPECT_THAT(messages_.str(), HasSubstr("see: iqctl agw --help"));
  EXPECT_EQ(RunWith({"nothing"}), ExitCode::kUsage);
  EXPECT_THAT(messages_.str(), HasSubstr("see: iqctl --help"));
}

TEST_F(RunTest, OptionsThatDoNotFitTogetherAreMistakes) {
  EXPECT_EQ(RunWith({"check", "--plaintext", "--tls-ca", "x"}), ExitCode::kUsage);
  EXPECT_THAT(messages_.str(), HasSubstr("exclude each other"));
  EXPECT_EQ(RunWith({"check", "--tls-ca", "x"}), ExitCode::kUsage);
  EXPECT_THAT(messages_.str(), HasSubstr("missing: --tls-cert, --tls-key"));
  for (const char* names : {"alg=", "alg=a,b", "sip=a", "a,b"}) {
    EXPECT_EQ(RunWith({"check", "--tls-server-name", names}), ExitCode::kUsage) << names;
    EXPECT_THAT(messages_.str(), HasSubstr("--tls-server-name")) << names;
  }
  EXPECT_EQ(RunWith({"agw", "watch", "a", "--kept", "--after", "x:1"}), ExitCode::kUsage);
}

TEST_F(RunTest, TheEnvironmentNamesTlsFilesUnlessPlaintextIsWanted) {
  environment_["IQCTL_TLS_CA"] = "/nowhere";
  environment_["IQCTL_AGW"] = "127.0.0.1:1";
  EXPECT_EQ(RunWith({"agw", "list"}), ExitCode::kUsage);
  EXPECT_THAT(messages_.str(), HasSubstr("--tls-cert"));
  EXPECT_EQ(RunWith({"agw", "list", "--plaintext"}), ExitCode::kUnreachable);
  EXPECT_THAT(results_.str(), HasSubstr("unreachable"));
}

TEST_F(RunTest, CompletionAndManAreMadeFromTheTable) {
  EXPECT_EQ(RunWith({"completion", "fish"}), ExitCode::kUsage);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"completion", "bash"}, {"completion", "zsh"}, {"man"}}) {
    EXPECT_EQ(RunWith(words), ExitCode::kOk);
    for (const Command& command : MakeCommandTable().commands) {
      EXPECT_THAT(results_.str(), HasSubstr(command.FullName()));
    }
  }
}

TEST_F(RunTest, ResultsThatCannotBeWrittenAreAFailure) {
  results_.setstate(std::ios::badbit);
  EXPECT_EQ(iqctl::Run(
                {"man"}, [](const std::string&) { return absl::nullopt; }, results_, messages_,
                Terminal()),
            ExitCode::kFailed);
}

}  // namespace
}  // namespace iqctl
