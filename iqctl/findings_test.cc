#include "iqctl/findings.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/termination.pb.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using ims::iqctl::v1::CheckReport;
using ims::iqctl::v1::Finding;
using testing::HasSubstr;

void AddRealm(const std::string& name, iq::Side side, const std::string& address,
              iq::GatewayStatus* status) {
  iq::Realm& realm = *status->add_realms();
  realm.set_name(name);
  realm.add_default_for(side);
  realm.add_advertised_addresses(address);
  realm.set_first_port(10000);
  realm.set_last_port(10999);
  realm.set_ports_total(1000);
}

// One with which nothing is wrong.
Gateway Healthy(int number) {
  Gateway gateway;
  gateway.addresses = {absl::StrCat("192.0.2.", number, ":7060")};
  gateway.status.set_instance_id(absl::StrCat("agw-", number));
  gateway.status.set_incarnation(absl::StrCat("run-", number));
  gateway.status.set_context_limit(10);
  gateway.status.set_software_version(common::kVersion);
  gateway.status.mutable_time()->set_seconds(1);
  AddRealm("access", iq::SIDE_ACCESS, absl::StrCat("198.51.100.", number), &gateway.status);
  AddRealm("core", iq::SIDE_CORE, absl::StrCat("203.0.113.", number), &gateway.status);
  return gateway;
}

class FindingsTest : public testing::Test {
 protected:
  FindingsTest() {
    input_.algs.push_back({.address = "192.0.2.9:7050", .is_serving = true});
    input_.gateways = {Healthy(1), Healthy(2)};
  }

  // Expects exactly one finding that is not OK, and this one.
  void ExpectOnly(Finding::Severity severity, const std::string& subject, const std::string& check,
                  const std::string& detail) {
    const CheckReport report = Conclude(input_);
    int count = 0;
    for (const Finding& finding : report.findings()) {
      if (finding.severity() == Finding::SEVERITY_OK) continue;
      ++count;
      EXPECT_EQ(finding.severity(), severity);
      EXPECT_EQ(finding.subject(), subject);
      EXPECT_EQ(finding.check(), check);
      EXPECT_THAT(finding.detail(), HasSubstr(detail));
      EXPECT_NE(finding.remedy(), "");
    }
    EXPECT_EQ(count, 1) << report.DebugString();
  }
  void ExpectProblem(const std::string& subject, const std::string& check,
                     const std::string& detail) {
    ExpectOnly(Finding::SEVERITY_PROBLEM, subject, check, detail);
  }
  void ExpectWarning(const std::string& subject, const std::string& check,
                     const std::string& detail) {
    ExpectOnly(Finding::SEVERITY_WARNING, subject, check, detail);
  }

  iq::GatewayStatus& status(int i) { return input_.gateways[i].status; }

  CheckInput input_;
};

TEST_F(FindingsTest, AllIsWell) {
  const CheckReport report = Conclude(input_);
  for (const Finding& finding : report.findings()) {
    EXPECT_EQ(finding.severity(), Finding::SEVERITY_OK) << finding.DebugString();
    EXPECT_EQ(finding.remedy(), "");
  }
  EXPECT_EQ(report.findings_size(), 4);  // Three that answer, and the version.
}

TEST_F(FindingsTest, AServiceDoesNotAnswer) {
  input_.algs[0].is_serving = absl::UnavailableError("refused");
  ExpectProblem("alg 192.0.2.9:7050", "reachable", "UNAVAILABLE: refused");
}

TEST_F(FindingsTest, AServiceDoesNotServe) {
  input_.algs[0].is_serving = false;
  ExpectProblem("alg 192.0.2.9:7050", "reachable", "does not serve");
}

TEST_F(FindingsTest, AGatewayDoesNotAnswer) {
  input_.gateways[1].error = absl::PermissionDeniedError("no allowed name");
  ExpectProblem("agw 192.0.2.2:7060", "reachable", "PERMISSION_DENIED: no allowed name");
}

TEST_F(FindingsTest, OneDrains) {
  status(1).set_draining(true);
  status(1).set_context_count(3);
  status(1).mutable_drain_duration()->set_seconds(90);
  ExpectWarning("agw-2", "draining", "for 1m 30s; it has 3 sessions");
}

TEST_F(FindingsTest, AllDrain) {
  input_.gateways.pop_back();
  status(0).set_draining(true);
  const CheckReport report = Conclude(input_);
  EXPECT_THAT(CheckText(report, Terminal()),
              HasSubstr("problem  all: draining: no IMS-AGW takes new sessions"));
}

TEST_F(FindingsTest, ASideHasNoDefault) {
  for (iq::GatewayStatus* gateway : {&status(0), &status(1)}) {
    gateway->mutable_realms(1)->set_default_for(0, iq::SIDE_CORE);
  }
  status(0).mutable_realms(0)->clear_default_for();
  ExpectProblem("agw-1", "realms", "no realm is the default of the access side");
}

TEST_F(FindingsTest, ASideHasTwoDefaults) {
  status(1).mutable_realms(1)->add_default_for(iq::SIDE_ACCESS);
  ExpectProblem("agw-2", "realms",
                "several realms are the default of the access side: access, core");
}

TEST_F(FindingsTest, SessionsAreAllTaken) {
  status(0).set_context_count(10);
  ExpectWarning("agw-1", "room", "has all the sessions it takes, 10");
}

TEST_F(FindingsTest, PortsRunOut) {
  status(0).mutable_realms(0)->set_ports_in_use(899);
  EXPECT_FALSE(absl::StrContains(CheckText(Conclude(input_), Terminal()), "warning"));
  status(0).mutable_realms(0)->set_ports_in_use(900);
  ExpectWarning("agw-1", "room", "realm access has 100 of 1,000 ports left");
}

TEST_F(FindingsTest, AClockIsWrongByMoreThanTheCallCanExplain) {
  input_.gateways[0].clock.offset = absl::Milliseconds(-1400);
  input_.gateways[0].clock.uncertainty = absl::Milliseconds(500);
  EXPECT_FALSE(absl::StrContains(CheckText(Conclude(input_), Terminal()), "warning"));
  input_.gateways[0].clock.offset = absl::Milliseconds(-1600);
  ExpectWarning("agw-1", "clock", "is 1.6s behind the clock here");
  input_.gateways[0].clock.offset = absl::Milliseconds(61000);
  ExpectWarning("agw-1", "clock", "is 1m1s ahead of the clock here");
}

TEST_F(FindingsTest, TwoHaveOneId) {
  status(1).set_instance_id("agw-1");
  ExpectProblem("agw-1", "instance id", "192.0.2.1:7060, 192.0.2.2:7060");
}

TEST_F(FindingsTest, VersionsDiffer) {
  status(1).set_software_version("9.9.9");
  ExpectWarning("all", "version", "agw-2 is 9.9.9");
}

TEST_F(FindingsTest, RealmsDiffer) {
  status(1).mutable_realms(0)->set_name("visitors");
  ExpectWarning("agw-2", "realms", "has the realms core, visitors, and agw-1 has access, core");
}

TEST_F(FindingsTest, TwoAnnounceOneAddress) {
  status(1).mutable_realms(0)->set_advertised_addresses(0, "198.51.100.1");
  status(1).mutable_realms(0)->set_first_port(10900);
  status(1).mutable_realms(0)->set_last_port(11900);
  ExpectWarning("agw-1 and agw-2", "addresses", "198.51.100.1 with ports from 10900 to 10999");
  status(1).mutable_realms(0)->set_first_port(11000);
  EXPECT_FALSE(absl::StrContains(CheckText(Conclude(input_), Terminal()), "warning"));
}

TEST_F(FindingsTest, TextHasALineForEachAndItsRemedyBelow) {
  input_.gateways.pop_back();
  input_.is_plaintext = true;
  status(0).set_draining(true);
  status(0).clear_software_version();
  EXPECT_EQ(CheckText(Conclude(input_), Terminal()),
            "ok       alg 192.0.2.9:7050: reachable: serves, in plaintext\n"
            "ok       agw-1: reachable: at 192.0.2.1:7060, in plaintext\n"
            "warning  agw-1: draining: takes no new sessions; it has 0 sessions\n"
            "         remedy: If that is over: iqctl agw undrain agw-1\n"
            "problem  all: draining: no IMS-AGW takes new sessions: all that answer drain\n"
            "         remedy: End the drain of one, or start another one.\n");
}

TEST_F(FindingsTest, AnAlgHasAVersionAndAClockToo) {
  input_.algs[0].status.set_software_version("9.9.9");
  for (const char* id : {"agw-1", "agw-2"}) {
    input_.algs[0].status.add_gateways()->set_instance_id(id);
  }
  ExpectWarning("all", "version", "alg 192.0.2.9:7050 is 9.9.9");
  input_.algs[0].status.set_software_version(common::kVersion);
  input_.algs[0].status.mutable_time()->set_seconds(1);
  input_.algs[0].clock.offset = absl::Seconds(-5);
  ExpectWarning("alg 192.0.2.9:7050", "clock", "is 5s behind the clock here");
}

TEST_F(FindingsTest, AnAgwThatAnswersHereAndNotToAnAlgIsTold) {
  input_.algs[0].status.set_software_version(common::kVersion);
  input_.algs[0].status.add_gateways()->set_instance_id("agw-1");
  ExpectWarning("alg 192.0.2.9:7050", "gateways", "does not reach agw-2, which answers here");
}

}  // namespace
}  // namespace iqctl
