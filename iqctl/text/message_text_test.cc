#include "iqctl/text/message_text.h"

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "ims/iqctl/v1/report.pb.h"
#include "yaml-cpp/yaml.h"

namespace iqctl {
namespace {

using ims::iqctl::v1::CheckReport;
using ims::iqctl::v1::Finding;
using ims::iqctl::v1::GatewayLoad;

TEST(MessageText, JsonHasTheNamesOfTheProtoAndWhatIsDefault) {
  GatewayLoad load;
  load.set_failed_count(7);
  EXPECT_EQ(ToJsonLine(load),
            "{\"events_per_second\":0,\"established_count\":\"0\",\"failed_count\":\"7\","
            "\"most_frequent_failure\":\"\",\"missed_count\":\"0\"}\n");
  EXPECT_THAT(ToJson(load), testing::HasSubstr("\n \"failed_count\": \"7\",\n"));
}

TEST(MessageText, YamlIsTheSameAsJson) {
  CheckReport report;
  Finding& finding = *report.add_findings();
  finding.set_severity(Finding::SEVERITY_PROBLEM);
  // Whatever YAML would take for something else.
  for (const char* text :
       {"", "7", "true", "null", "~", "- a", "a: b", "#", "\"'\\", "line\nbreak", "ü\x01<>&"}) {
    finding.set_detail(text);
    finding.set_remedy(text);
    const YAML::Node yaml = YAML::Load(ToYaml(report));
    EXPECT_EQ(yaml["findings"][0]["severity"].as<std::string>(), "SEVERITY_PROBLEM");
    EXPECT_EQ(yaml["findings"][0]["detail"].as<std::string>(), text);
    EXPECT_EQ(yaml["findings"][0]["remedy"].Tag(), "!") << "not a string: " << text;
  }
}

TEST(MessageText, YamlKeepsNumbersBooleansAndEmptyLists) {
  GatewayLoad load;
  load.set_events_per_second(0.5);
  load.mutable_gateway()->mutable_status()->set_draining(true);
  load.mutable_gateway()->mutable_status()->set_context_count(3);
  const YAML::Node yaml = YAML::Load(ToYaml(load));
  EXPECT_EQ(yaml["events_per_second"].as<double>(), 0.5);
  EXPECT_EQ(yaml["events_per_second"].Tag(), "?");
  EXPECT_TRUE(yaml["gateway"]["status"]["draining"].as<bool>());
  EXPECT_EQ(yaml["gateway"]["status"]["context_count"].as<int>(), 3);
  EXPECT_TRUE(yaml["gateway"]["addresses"].IsSequence());
  EXPECT_EQ(ToYaml(CheckReport()), "findings: []\n");
}

}  // namespace
}  // namespace iqctl
