#include "iqctl/gateways.h"

#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "iqctl/client/call_error.h"

namespace iqctl {
namespace {

using ims::iq::v1::GatewayStatus;

Gateway Ask(const EndpointOrError& candidate) {
  Gateway gateway;
  gateway.addresses.push_back(candidate.address);
  gateway.error = candidate.endpoint.status();
  if (!candidate.endpoint.ok()) return gateway;
  gateway.client = std::make_shared<AgwClient>(*candidate.endpoint);
  // The first answer takes the time to connect as well; the second tells of the clock.
  absl::StatusOr<GatewayStatus> status = gateway.client->GetStatus();
  const absl::Time before = absl::Now();
  if (status.ok()) status = gateway.client->GetStatus();
  const absl::Time after = absl::Now();
  gateway.error = status.status();
  if (!status.ok()) return gateway;
  gateway.status = *std::move(status);
  if (gateway.status.has_time()) {
    gateway.clock = MeasureClock(gateway.status.time(), before, after);
  }
  return gateway;
}

bool IsSameRun(const Gateway& a, const Gateway& b) {
  return a.has_answered() && b.has_answered() && a.status.instance_id() == b.status.instance_id() &&
         a.status.incarnation() == b.status.incarnation();
}

absl::StatusOr<Gateway> OnlyOne(std::vector<Gateway> gateways, const std::string& instance) {
  if (gateways.size() == 1) {
    if (gateways[0].has_answered()) return std::move(gateways[0]);
    return Annotate(gateways[0].error, gateways[0].Name());
  }
  std::vector<std::string> addresses;
  for (const Gateway& gateway : gateways) {
    addresses.push_back(absl::StrJoin(gateway.addresses, " or "));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", instance,
      "\" stands for several IMS-AGWs; name one by its address: ", absl::StrJoin(addresses, ", ")));
}

}  // namespace

std::string Gateway::Name() const {
  if (!has_answered()) return addresses.front();
  return absl::StrCat(status.instance_id(), " at ", addresses.front());
}

std::vector<Gateway> AskAll(const std::vector<EndpointOrError>& endpoints) {
  std::vector<Gateway> answers(endpoints.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    threads.emplace_back([&, i] { answers[i] = Ask(endpoints[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<Gateway> gateways;
  for (Gateway& answer : answers) {
    const auto same = std::find_if(gateways.begin(), gateways.end(),
                                   [&](const Gateway& known) { return IsSameRun(known, answer); });
    if (same != gateways.end()) {
      same->addresses.push_back(answer.addresses.front());
    } else {
      gateways.push_back(std::move(answer));
    }
  }
  std::stable_sort(gateways.begin(), gateways.end(), [](const Gateway& a, const Gateway& b) {
    return std::make_tuple(!a.has_answered(), a.status.instance_id(), a.addresses.front()) <
           std::make_tuple(!b.has_answered(), b.status.instance_id(), b.addresses.front());
  });
  return gateways;
}

absl::StatusOr<Gateway> FindGateway(const Connector& connector, const std::string& instance) {
  if (instance.find(':') != std::string::npos) {
    ASSIGN_OR_RETURN(const std::vector<EndpointOrError> endpoints,
                     connector.AgwEndpointsAt(instance));
    std::vector<Gateway> gateways = AskAll(endpoints);
    // A name with addresses of both families, of which one is not served, means the other.
    const auto silent = std::find_if(gateways.begin(), gateways.end(),
                                     [](const Gateway& known) { return !known.has_answered(); });
    if (silent == gateways.begin()) return Annotate(silent->error, silent->Name());
    gateways.erase(silent, gateways.end());
    return OnlyOne(std::move(gateways), instance);
  }
  ASSIGN_OR_RETURN(const std::vector<EndpointOrError> endpoints, connector.AgwEndpoints());
  std::vector<Gateway> matching;
  std::vector<std::string> others;
  absl::Status silence;
  for (Gateway& gateway : AskAll(endpoints)) {
    if (!gateway.has_answered()) {
      silence = Annotate(gateway.error, gateway.Name());
    } else if (gateway.status.instance_id() == instance) {
      matching.push_back(std::move(gateway));
    } else {
      others.push_back(gateway.status.instance_id());
    }
  }
  if (!matching.empty()) return OnlyOne(std::move(matching), instance);
  const std::string known = others.empty() ? "none" : absl::StrJoin(others, ", ");
  if (!silence.ok()) {
    return Annotate(
        silence, absl::StrCat("\"", instance, "\" is not among the IMS-AGWs that answer (", known,
                              "), and not all do"));
  }
  return absl::NotFoundError(absl::StrCat("there is no IMS-AGW \"", instance, "\" behind --agw ",
                                          absl::StrJoin(connector.options().agw_targets, ","),
                                          "; there are: ", known));
}

ims::iqctl::v1::Gateway ToReport(const Gateway& gateway) {
  ims::iqctl::v1::Gateway report;
  for (const std::string& address : gateway.addresses) report.add_addresses(address);
  if (gateway.has_answered()) {
    *report.mutable_status() = gateway.status;
  } else {
    report.mutable_failure()->set_code(absl::StatusCodeToString(gateway.error.code()));
    report.mutable_failure()->set_reason(common::ErrorReasonOf(gateway.error));
    report.mutable_failure()->set_message(std::string(gateway.error.message()));
  }
  return report;
}

}  // namespace iqctl
