#include "common/config_file.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ims/config/v1/agw_config.pb.h"

namespace common {
namespace {

using ims::config::v1::AgwConfig;
using testing::AllOf;
using testing::HasSubstr;

std::string MistakesIn(absl::string_view yaml) {
  AgwConfig config;
  return std::string(LoadYaml(yaml, "agw.yaml", &config).message());
}

TEST(ConfigFile, FillsEveryKindOfField) {
  AgwConfig config;
  ASSERT_THAT(LoadYaml(R"(
instance_id: agw-0
iq:
  listen_address: "127.0.0.1:0"
  reflection: off
  allow_plaintext_beyond_loopback: true
  tls:
    allowed_client_names: [alg.example, "spiffe://example/alg"]
realms:
- name: access
  first_port: 40000
  addresses:
  - bind: 192.0.2.1
  - {bind: "2001:db8::1", advertised: "2001:db8::2"}
- name: core
worker_count: 4
)",
                       "agw.yaml", &config),
              IsOk());
  EXPECT_EQ(config.instance_id(), "agw-0");
  EXPECT_EQ(config.iq().listen_address(), "127.0.0.1:0");
  EXPECT_EQ(config.iq().reflection(), ims::config::v1::SWITCH_OFF);
  EXPECT_TRUE(config.iq().allow_plaintext_beyond_loopback());
  ASSERT_EQ(config.iq().tls().allowed_client_names_size(), 2);
  EXPECT_EQ(config.iq().tls().allowed_client_names(1), "spiffe://example/alg");
  ASSERT_EQ(config.realms_size(), 2);
  EXPECT_EQ(config.realms(0).first_port(), 40000u);
  ASSERT_EQ(config.realms(0).addresses_size(), 2);
  EXPECT_EQ(config.realms(0).addresses(1).advertised(), "2001:db8::2");
  EXPECT_EQ(config.realms(1).name(), "core");
  EXPECT_EQ(config.worker_count(), 4u);
}

TEST(ConfigFile, TakesAnEmptyFile) {
  AgwConfig config;
  EXPECT_THAT(LoadYaml("", "", &config), IsOk());
  EXPECT_THAT(LoadYaml("# only a comment\n", "", &config), IsOk());
  EXPECT_THAT(LoadYaml("---\n", "", &config), IsOk());
  EXPECT_EQ(config.ByteSizeLong(), 0u);
}

TEST(ConfigFile, ReplacesDefaultsThatTheFileNames) {
  AgwConfig config;
  config.set_worker_count(8);
  config.set_context_limit(10);
  config.add_realms()->set_name("default");
  ASSERT_THAT(LoadYaml("worker_count: 2\nrealms: [{name: access}]\n", "", &config), IsOk());
  EXPECT_EQ(config.worker_count(), 2u);
  EXPECT_EQ(config.context_limit(), 10u);
  ASSERT_EQ(config.realms_size(), 1);
  EXPECT_EQ(config.realms(0).name(), "access");
}

TEST(ConfigFile, ReadsDurationsInAllUnits) {
  const struct {
    const char* text;
    int64_t seconds;
    int32_t nanos;
  } kCases[] = {{"1500ms", 1, 500000000}, {"0s", 0, 0},        {"30s", 30, 0},
                {"1.5s", 1, 500000000},   {"1ms", 0, 1000000}, {"5min", 300, 0},
                {"24h", 86400, 0},        {"7d", 604800, 0}};
  for (const auto& test : kCases) {
    AgwConfig config;
    ASSERT_THAT(LoadYaml(std::string("hold_time: ") + test.text, "", &config), IsOk()) << test.text;
    EXPECT_EQ(config.hold_time().seconds(), test.seconds) << test.text;
    EXPECT_EQ(config.hold_time().nanos(), test.nanos) << test.text;
  }
}

TEST(ConfigFile, RefusesWhatIsNoDuration) {
  for (const char* text : {"30", "-1s", "s", "30 s", "1h30min", "5m", "nans", "1e400s", "1e300d",
                           "[30s]", "{seconds: 30}", "0x10s"}) {
    EXPECT_THAT(MistakesIn(std::string("hold_time: ") + text),
                HasSubstr("agw.yaml:1: hold_time: must be a duration"))
        << text;
  }
}

TEST(ConfigFile, ReportsAllMistakesAtOnceWithPathAndLine) {
  const std::string mistakes = MistakesIn(R"(worker_count: many
context_limit: -1
no_such_key: 1
iq:
  reflection: maybe
  allow_plaintext_beyond_loopback: yes
realms:
- name: access
- first_port: 99999999999
  name: [a]
  addresses: 192.0.2.1
- just text
worker_count: 2
tls:
drain_time: soon
)");
  EXPECT_EQ(mistakes,
            "agw.yaml:1: worker_count: must be a whole number\n"
            "agw.yaml:2: context_limit: must be from 0 to 4294967295\n"
            "agw.yaml:3: no_such_key: unknown key; there are: instance_id, iq, http, realms, "
            "worker_count, context_limit, setup, tls, notification_log_size, hold_time, "
            "drain_time, drain_close_time, half_close_time, peer_loss, node_name, priority_share, "
            "history_limit, buffered_byte_limit, port_pool_low_share\n"
            "agw.yaml:5: iq.reflection: must be one of \"on\", \"off\"\n"
            "agw.yaml:6: iq.allow_plaintext_beyond_loopback: must be true or false\n"
            "agw.yaml:9: realms[1].first_port: must be from 0 to 4294967295\n"
            "agw.yaml:10: realms[1].name: must be a single value\n"
            "agw.yaml:11: realms[1].addresses: must be a list\n"
            "agw.yaml:12: realms[2]: must have keys and values below it\n"
            "agw.yaml:13: worker_count: stands twice\n"
            "agw.yaml:14: tls: has no value; without the key it has its default\n"
            "agw.yaml:15: drain_time: must be a duration such as \"1500ms\", \"30s\", \"5min\", "
            "\"24h\", \"7d\"");
}

TEST(ConfigFile, KeepsWhatAFieldHadBeforeTheMistake) {
  AgwConfig config;
  config.set_worker_count(8);
  EXPECT_THAT(LoadYaml("worker_count: x\ncontext_limit: 5\n", "", &config),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(config.worker_count(), 8u);
  EXPECT_EQ(config.context_limit(), 5u);
}

TEST(ConfigFile, ReportsBrokenYaml) {
  EXPECT_THAT(MistakesIn("iq: {\nrealms: ]"),
              AllOf(HasSubstr("agw.yaml:2: "), HasSubstr("not YAML")));
  EXPECT_THAT(MistakesIn("just text"), HasSubstr("must have keys"));
  EXPECT_THAT(MistakesIn("worker_count: 1\n---\nworker_count: 2\n"),
              HasSubstr("more than one document"));
  EXPECT_THAT(MistakesIn("[a, b]: 1"), HasSubstr("has a key that is not a name"));
  EXPECT_THAT(MistakesIn("iq: *nowhere"), HasSubstr("not YAML"));
}

TEST(ConfigFile, SurvivesDeepNesting) {
  EXPECT_NE(MistakesIn(std::string(100000, '[')), "");
  EXPECT_NE(MistakesIn("iq: " + std::string(100000, '{')), "");
}

TEST(ConfigErrors, NamesTheLineOfTheFieldOrOfWhatItIsPartOf) {
  AgwConfig config;
  ConfigErrors errors;
  LoadYaml("worker_count: 4\nrealms:\n- name: a\n- name: b\n  first_port: 80\n", &config, &errors);
  EXPECT_TRUE(errors.empty());
  errors.Add("realms[1].first_port", "must not be below 1024");
  errors.Add("realms[0].addresses", "must have one");
  errors.Add("instance_id", "is missing");
  EXPECT_EQ(errors.size(), 3u);
  EXPECT_THAT(errors.ToStatus("agw.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "agw.yaml:5: realms[1].first_port: must not be below 1024\n"
                       "agw.yaml:3: realms[0].addresses: must have one\n"
                       "agw.yaml: instance_id: is missing"));
}

TEST(ConfigErrors, IsOkWithoutMistakes) { EXPECT_THAT(ConfigErrors().ToStatus("f"), IsOk()); }

TEST(ConfigFile, ReadsAFile) {
  const std::string file_name = testing::TempDir() + "/agw.yaml";
  std::ofstream(file_name) << "worker_count: 3\n";
  AgwConfig config;
  ConfigErrors errors;
  LoadYamlFile(file_name, &config, &errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(config.worker_count(), 3u);

  std::ofstream(file_name, std::ios::trunc).close();
  LoadYamlFile(file_name, &config, &errors);
  EXPECT_TRUE(errors.empty());
}

TEST(ConfigFile, ReportsAFileThatCannotBeRead) {
  for (const std::string& file_name : {testing::TempDir() + "/absent.yaml", testing::TempDir()}) {
    AgwConfig config;
    ConfigErrors errors;
    LoadYamlFile(file_name, &config, &errors);
    EXPECT_THAT(errors.ToStatus("agw.yaml").message(), HasSubstr("cannot read " + file_name));
  }
}

TEST(ConfigFile, EnvironmentVariablesAreReplacedInAnyValue) {
  setenv("IQGATE_TEST_IP", "192.0.2.7", 1);
  setenv("IQGATE_TEST_NUMBER", "12", 1);
  ims::config::v1::AgwConfig config;
  ASSERT_THAT(LoadYaml(R"(
instance_id: "a-${IQGATE_TEST_NUMBER}-${IQGATE_TEST_IP}"
node_name: "$${NOT_ONE}$"
iq: {listen_address: "${IQGATE_TEST_IP}:7060"}
context_limit: ${IQGATE_TEST_NUMBER}
drain_time: ${IQGATE_TEST_NUMBER}s
)",
                       "agw.yaml", &config),
              IsOk());
  EXPECT_EQ(config.instance_id(), "a-12-192.0.2.7");
  EXPECT_EQ(config.node_name(), "${NOT_ONE}$");
  EXPECT_EQ(config.iq().listen_address(), "192.0.2.7:7060");
  EXPECT_EQ(config.context_limit(), 12u);
  EXPECT_EQ(config.drain_time().seconds(), 12);
}

TEST(ConfigFile, AVariableThatIsNotSetIsAMistake) {
  unsetenv("IQGATE_TEST_UNSET");
  ims::config::v1::AgwConfig config;
  EXPECT_EQ(LoadYaml("instance_id: ${IQGATE_TEST_UNSET}\nnode_name: ${open\n", "agw.yaml", &config)
                .message(),
            "agw.yaml:1: instance_id: the environment variable IQGATE_TEST_UNSET is not set\n"
            "agw.yaml:2: node_name: has a \"${\" without \"}\"");
}

}  // namespace
}  // namespace common
