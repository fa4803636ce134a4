#include "iqctl/findings.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/version.h"
#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iq/v1/termination.pb.h"
#include "iqctl/error_report.h"
#include "iqctl/text/human.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using ims::iqctl::v1::CheckReport;
using ims::iqctl::v1::Finding;

// Beyond that, logs of several machines cannot be put side by side any more.
constexpr absl::Duration kClockTolerance = absl::Seconds(1);

class Conclusions {
 public:
  explicit Conclusions(const CheckInput& input) : input_(input) {
    for (const Gateway& gateway : input.gateways) {
      if (gateway.has_answered()) answered_.push_back(&gateway);
    }
  }

  CheckReport Draw() {
    for (const AlgAnswer& alg : input_.algs) {
      CheckAlg(alg);
      CheckClock(NameOf(alg), alg.status.has_time(), alg.clock);
      CheckKnownGateways(alg);
    }
    for (const Gateway& gateway : input_.gateways) CheckReachable(gateway);
    for (const Gateway* gateway : answered_) {
      CheckDraining(*gateway);
      CheckDefaults(*gateway);
      CheckRoom(*gateway);
      CheckClock(gateway->status.instance_id(), gateway->status.has_time(), gateway->clock);
    }
    CheckSomebodyServes();
    CheckInstanceIds();
    CheckVersions();
    CheckRealmNames();
    CheckAnnouncedAddresses();
    return std::move(report_);
  }

 private:
  void Add(Finding::Severity severity, const std::string& subject, const char* check,
           const std::string& detail, const std::string& remedy = "") {
    Finding& finding = *report_.add_findings();
    finding.set_severity(severity);
    finding.set_subject(subject);
    finding.set_check(check);
    finding.set_detail(detail);
    finding.set_remedy(remedy);
  }
  void Ok(const std::string& subject, const char* check, const std::string& detail) {
    Add(Finding::SEVERITY_OK, subject, check, detail);
  }
  void Warn(const std::string& subject, const char* check, const std::string& detail,
            const std::string& remedy) {
    Add(Finding::SEVERITY_WARNING, subject, check, detail, remedy);
  }
  void Problem(const std::string& subject, const char* check, const std::string& detail,
               const std::string& remedy) {
    Add(Finding::SEVERITY_PROBLEM, subject, check, detail, remedy);
  }

  void Unreachable(const std::string& subject, const absl::Status& error) {
    const std::string reason = common::ErrorReasonOf(error);
    Problem(subject, "reachable",
            absl::StrCat(absl::StatusCodeToString(error.code()), reason.empty() ? "" : ", ", reason,
                         ": ", error.message()),
            RemedyFor(error));
  }

  std::string HowReached() const {
    return input_.is_plaintext ? "in plaintext" : "with TLS; both certificates are accepted";
  }

  static std::string NameOf(const AlgAnswer& alg) { return absl::StrCat("alg ", alg.address); }

  void CheckAlg(const AlgAnswer& alg) {
    const std::string subject = NameOf(alg);
    if (!alg.is_serving.ok()) {
      Unreachable(subject, alg.is_serving.status());
    } else if (!*alg.is_serving) {
      Problem(subject, "reachable", "answers, but says that it does not serve",
              "It ends, or has just begun: look at its log.");
    } else {
      Ok(subject, "reachable", absl::StrCat("serves, ", HowReached()));
    }
  }

  // One that answers here, and that the replica has not heard of for a while, gets no sessions from it.
  void CheckKnownGateways(const AlgAnswer& alg) {
    if (alg.status.software_version().empty()) return;
    for (const Gateway* gateway : answered_) {
      const auto& known = alg.status.gateways();
      if (std::any_of(known.begin(), known.end(), [&](const ims::alg::v1::KnownGateway& each) {
            return each.instance_id() == gateway->status.instance_id();
          })) {
        continue;
      }
      Warn(NameOf(alg), "gateways",
           absl::StrCat("does not reach ", gateway->status.instance_id(), ", which answers here"),
           "See gateways.targets in its configuration, and gateway_unreachable in its log.");
    }
  }

  void CheckReachable(const Gateway& gateway) {
    if (!gateway.has_answered()) {
      Unreachable(absl::StrCat("agw ", gateway.addresses.front()), gateway.error);
      return;
    }
    Ok(gateway.status.instance_id(), "reachable",
       absl::StrCat("at ", absl::StrJoin(gateway.addresses, " and "), ", ", HowReached()));
  }

  void CheckDraining(const Gateway& gateway) {
    if (!gateway.status.draining()) return;
    const std::string how_long = ToHuman(gateway.status.drain_duration());
    Warn(gateway.status.instance_id(), "draining",
         absl::StrCat("takes no new sessions", how_long.empty() ? "" : " for ", how_long,
                      "; it has ", Counted(gateway.status.context_count(), "session")),
         absl::StrCat("If that is over: iqctl agw undrain ", gateway.status.instance_id()));
  }

  void CheckDefaults(const Gateway& gateway) {
    for (const iq::Side side : {iq::SIDE_ACCESS, iq::SIDE_CORE}) {
      std::vector<std::string> realms;
      for (const iq::Realm& realm : gateway.status.realms()) {
        const auto& sides = realm.default_for();
        if (std::count(sides.begin(), sides.end(), side) > 0) realms.push_back(realm.name());
      }
      if (realms.size() == 1) continue;
      const std::string name = ShortName(iq::Side_Name(side), "SIDE_");
      Problem(gateway.status.instance_id(), "realms",
              realms.empty() ? absl::StrCat("no realm is the default of the ", name, " side")
                             : absl::StrCat("several realms are the default of the ", name,
                                            " side: ", absl::StrJoin(realms, ", ")),
              absl::StrCat("Give one realm default_for: [", name, "] in its configuration."));
    }
  }

  void CheckRoom(const Gateway& gateway) {
    const iq::GatewayStatus& status = gateway.status;
    if (status.context_count() >= status.context_limit()) {
      Warn(status.instance_id(), "room",
           absl::StrCat("has all the sessions it takes, ", WithSeparators(status.context_limit())),
           "Add an IMS-AGW, or raise context_limit and the limit of open files.");
    }
    for (const iq::Realm& realm : status.realms()) {
      if (uint64_t{realm.ports_in_use()} * 10 < uint64_t{realm.ports_total()} * 9) continue;
      Warn(status.instance_id(), "room",
           absl::StrCat("realm ", realm.name(), " has ",
                        WithSeparators(realm.ports_total() - realm.ports_in_use()), " of ",
                        WithSeparators(realm.ports_total()), " ports left"),
           "Add an IMS-AGW or an address, or widen first_port to last_port.");
    }
  }

  void CheckClock(const std::string& subject, bool is_told, const ClockOffset& clock) {
    const absl::Duration offset = clock.offset;
    if (!is_told || absl::AbsDuration(offset) <= kClockTolerance + clock.uncertainty) return;
    const absl::Duration rounded = absl::Trunc(absl::AbsDuration(offset), absl::Milliseconds(100));
    Warn(subject, "clock",
         absl::StrCat("is ", absl::FormatDuration(rounded),
                      offset > absl::ZeroDuration() ? " ahead of" : " behind", " the clock here"),
         "Let NTP set the clocks, of this machine too: certificates and logs need the right time.");
  }

  void CheckSomebodyServes() {
    if (answered_.empty()) return;  // Said already, for each address.
    const auto draining =
        std::count_if(answered_.begin(), answered_.end(),
                      [](const Gateway* known) { return known->status.draining(); });
    if (static_cast<size_t>(draining) == answered_.size()) {
      Problem("all", "draining", "no IMS-AGW takes new sessions: all that answer drain",
              "End the drain of one, or start another one.");
    }
  }

  void CheckInstanceIds() {
    absl::btree_map<std::string, std::vector<std::string>> addresses;
    for (const Gateway* gateway : answered_) {
      addresses[gateway->status.instance_id()].push_back(gateway->addresses.front());
    }
    for (const auto& [id, where] : addresses) {
      if (where.size() == 1) continue;
      Problem(
          id, "instance id",
          absl::StrCat("is the id of ", where.size(), " IMS-AGWs, at ", absl::StrJoin(where, ", "),
                       "; they take each other's sessions for lost"),
          "Give each its own instance_id.");
    }
  }

  void CheckVersions() {
    absl::btree_map<std::string, std::vector<std::string>> instances;
    for (const AlgAnswer& alg : input_.algs) {
      const std::string& version = alg.status.software_version();
      if (!version.empty()) instances[version].push_back(NameOf(alg));
    }
    for (const Gateway* gateway : answered_) {
      const std::string& version = gateway->status.software_version();
      if (!version.empty()) instances[version].push_back(gateway->status.instance_id());
    }
    if (instances.empty()) return;
    if (instances.size() == 1 && instances.begin()->first == common::kVersion) {
      Ok("all", "version",
         absl::StrCat("all that have told theirs, and this program, are ", common::kVersion));
      return;
    }
    std::vector<std::string> parts;
    for (const auto& [version, ids] : instances) {
      parts.push_back(
          absl::StrCat(absl::StrJoin(ids, ", "), " ", ids.size() == 1 ? "is " : "are ", version));
    }
    Warn("all", "version",
         absl::StrCat(absl::StrJoin(parts, "; "), "; this program is ", common::kVersion),
         "Fine during an upgrade; else bring them to one version.");
  }

  static std::string RealmNames(const Gateway& gateway) {
    absl::btree_set<std::string> names;
    for (const iq::Realm& realm : gateway.status.realms()) names.insert(realm.name());
    return absl::StrJoin(names, ", ");
  }

  void CheckRealmNames() {
    for (const Gateway* gateway : answered_) {
      if (RealmNames(*gateway) == RealmNames(*answered_.front())) continue;
      Warn(gateway->status.instance_id(), "realms",
           absl::StrCat("has the realms ", RealmNames(*gateway), ", and ",
                        answered_.front()->status.instance_id(), " has ",
                        RealmNames(*answered_.front())),
           "An IMS-ALG that asks for a realm by name needs it at each IMS-AGW.");
      return;
    }
  }

  // Two IMS-AGWs that announce the same addresses and ports: what is meant for one comes to the other.
  void CheckAnnouncedAddresses() {
    for (size_t i = 0; i < answered_.size(); ++i) {
      for (size_t j = i + 1; j < answered_.size(); ++j) CheckPair(*answered_[i], *answered_[j]);
    }
  }

  void CheckPair(const Gateway& a, const Gateway& b) {
    if (a.status.instance_id() == b.status.instance_id()) return;  // Said already.
    for (const iq::Realm& one : a.status.realms()) {
      for (const iq::Realm& other : b.status.realms()) {
        if (one.last_port() < other.first_port() || other.last_port() < one.first_port()) continue;
        for (const std::string& address : one.advertised_addresses()) {
          const auto& others = other.advertised_addresses();
          if (std::count(others.begin(), others.end(), address) == 0) continue;
          Warn(absl::StrCat(a.status.instance_id(), " and ", b.status.instance_id()), "addresses",
               absl::StrCat("both announce ", address, " with ports from ",
                            std::max(one.first_port(), other.first_port()), " to ",
                            std::min(one.last_port(), other.last_port())),
               "Unless they share one host, peers of one reach the other: give each its own "
               "advertised "
               "address, or other ports.");
        }
      }
    }
  }

  const CheckInput& input_;
  std::vector<const Gateway*> answered_;
  CheckReport report_;
};

}  // namespace

CheckReport Conclude(const CheckInput& input) { return Conclusions(input).Draw(); }

std::string CheckText(const CheckReport& report, const Terminal& terminal) {
  std::string text;
  for (const Finding& finding : report.findings()) {
    absl::string_view word = "ok";
    Style style = Style::kGood;
    if (finding.severity() == Finding::SEVERITY_WARNING) {
      word = "warning";
      style = Style::kWarning;
    } else if (finding.severity() == Finding::SEVERITY_PROBLEM) {
      word = "problem";
      style = Style::kBad;
    }
    absl::StrAppend(&text, Styled(word, style, terminal), std::string(9 - word.size(), ' '),
                    Printable(finding.subject()), ": ", finding.check(), ": ",
                    Printable(finding.detail()), "\n");
    if (!finding.remedy().empty()) {
      absl::StrAppend(&text, std::string(9, ' '), "remedy: ", Printable(finding.remedy()), "\n");
    }
  }
  return text;
}

}  // namespace iqctl
