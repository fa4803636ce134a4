#include "iqctl/agw_commands.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/agw_drain_command.h"
#include "iqctl/agw_text.h"
#include "iqctl/agw_watch_command.h"
#include "iqctl/client/call_error.h"
#include "iqctl/connection_options.h"
#include "iqctl/error_report.h"
#include "iqctl/gateways.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;

absl::StatusOr<Gateway> FindNamed(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  return FindGateway(connector, invocation.arguments[0]);
}

absl::StatusOr<ExitCode> List(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  ASSIGN_OR_RETURN(const std::vector<EndpointOrError> endpoints, connector.AgwEndpoints());
  const std::vector<Gateway> gateways = AskAll(endpoints);
  if (output.is_table()) {
    output.PrintText(GatewayListText(gateways, output.terminal()));
  } else {
    ims::iqctl::v1::GatewayList list;
    for (const Gateway& gateway : gateways) *list.add_gateways() = ToReport(gateway);
    output.PrintMessage(list);
  }
  ExitCode code = ExitCode::kOk;
  for (const Gateway& gateway : gateways) {
    if (gateway.has_answered()) continue;
    if (code == ExitCode::kOk) code = ExitCodeOf(gateway.error);
    if (output.is_table()) {
      output.PrintNote(absl::StrCat(gateway.Name(), ": ", gateway.error.message()));
      const std::string remedy = RemedyFor(gateway.error);
      if (!remedy.empty()) output.PrintNote(absl::StrCat("  remedy: ", remedy));
    }
  }
  return code;
}

absl::StatusOr<ExitCode> Get(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(const Gateway gateway, FindNamed(invocation));
  if (output.is_table()) {
    output.PrintText(GatewayText(gateway, output.terminal()));
  } else {
    iq::GetStatusResponse response;
    *response.mutable_status() = gateway.status;
    output.PrintMessage(response);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Contexts(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(const Gateway gateway, FindNamed(invocation));
  if (invocation.arguments.size() > 1) {
    const absl::StatusOr<iq::AuditContextResponse> context =
        gateway.client->AuditContext(invocation.arguments[1]);
    if (!context.ok()) return Annotate(context.status(), gateway.Name());
    if (output.is_table()) {
      output.PrintText(ContextText(*context, output.terminal()));
    } else {
      output.PrintMessage(*context);
    }
    return ExitCode::kOk;
  }
  const absl::StatusOr<iq::ListContextsResponse> contexts = gateway.client->ListContexts();
  if (!contexts.ok()) return Annotate(contexts.status(), gateway.Name());
  if (output.is_table()) {
    for (const std::string& id : contexts->context_ids()) {
      output.PrintText(absl::StrCat(Printable(id), "\n"));
    }
  } else {
    output.PrintMessage(*contexts);
  }
  return ExitCode::kOk;
}

}  // namespace

CommandGroup AgwGroup() {
  return {"agw", "IMS-AGWs: who is there, what they carry, draining them."};
}

std::vector<Command> AgwCommands() {
  Command list;
  list.group = "agw";
  list.name = "list";
  list.summary = "Lists all IMS-AGWs behind --agw.";
  list.description =
      "SESSIONS are the contexts now and the most that are taken. PORTS are for each realm those "
      "in use, with "
      "those that rest before they are given out again, and all of an address. If one does not "
      "answer, the exit "
      "code says so.";
  list.examples = {
      {"iqctl agw list", "Who is there, and how full are they?"},
      {"iqctl agw list -o json | jq '.gateways[].status | select(.draining) | .instance_id'",
       "Which of them drain?"}};
  list.run = List;

  Command get;
  get.group = "agw";
  get.name = "get";
  get.summary = "Shows an IMS-AGW with its realms and certificates.";
  get.arguments = {InstanceArgument()};
  get.examples = {{"iqctl agw get agw-0", "Which addresses does it announce, and are ports left?"},
                  {"iqctl agw get 192.0.2.5:7060", "The one at this address."}};
  get.run = Get;

  Command contexts;
  contexts.group = "agw";
  contexts.name = "contexts";
  contexts.summary = "Lists the contexts of an IMS-AGW, or audits one.";
  contexts.description =
      "A context is a session at the IMS-AGW. With its id you get all that the IMS-AGW knows of "
      "it: states, "
      "addresses, octets, SYNs it has dropped, connections that have failed TLS, and what has "
      "happened to it: calls (\">\") and events, the oldest first.";
  contexts.arguments = {InstanceArgument(),
                        {"CONTEXT", "The context's id, as the list has it.", false}};
  contexts.examples = {
      {"iqctl agw contexts agw-0 | wc -l", "How many are there?"},
      {"iqctl agw contexts agw-0 CONTEXT", "Why does this one have no connection?"},
      {"iqctl agw contexts agw-0 CONTEXT -o json | jq '.history[].notification.tls_failed // "
       "empty'",
       "Which attempts of its phone have failed TLS?"}};
  contexts.run = Contexts;

  return {list, get, DrainCommand(), UndrainCommand(), contexts, WatchCommand()};
}

}  // namespace iqctl
