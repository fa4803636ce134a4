#include "iqctl/session_commands.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "ims/alg/v1/session_service.pb.h"
#include "iqctl/client/alg_client.h"
#include "iqctl/connection_options.h"
#include "iqctl/text/human.h"
#include "iqctl/text/table.h"

namespace iqctl {
namespace {

namespace v1 = ims::alg::v1;

Argument SessionArgument() {
  return {"ID",
          "The session's id, as ProcessOffer has returned it and as the IMS-ALG's log has it."};
}

Cell StateCell(v1::BearerState state) {
  Style style = Style::kPlain;
  if (state == v1::BEARER_STATE_ESTABLISHED) style = Style::kGood;
  if (state == v1::BEARER_STATE_CONNECTING) style = Style::kWarning;
  if (state == v1::BEARER_STATE_FAILED) style = Style::kBad;
  return Cell(ShortName(v1::BearerState_Name(state), "BEARER_STATE_"), style);
}

template <typename Streams>
std::string StreamTable(const Streams& streams, const Terminal& terminal) {
  Table table({{"MEDIA", true},
               {"SIDE"},
               {"STATE"},
               {"LOCAL"},
               {"REMOTE"},
               {"RECEIVED", true},
               {"SENT", true},
               {"DURATION", true}});
  const auto add = [&table](const v1::Stream& stream, const char* side, const v1::StreamEnd& end) {
    table.AddRow({absl::StrCat(stream.media_index()), side, StateCell(end.state()),
                  end.local_address(), end.remote_address(), ByteCount(end.received_byte_count()),
                  ByteCount(end.sent_byte_count()), ToHuman(end.duration())});
  };
  for (const v1::Stream& stream : streams) {
    add(stream, "access", stream.access());
    add(stream, "core", stream.core());
  }
  return table.empty() ? "" : table.ToString(terminal);
}

absl::StatusOr<AlgClient> MakeClient(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  ASSIGN_OR_RETURN(std::vector<EndpointOrError> endpoints, connector.AlgEndpoints());
  return AlgClient(std::move(endpoints));
}

absl::StatusOr<ExitCode> Get(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(AlgClient client, MakeClient(invocation));
  ASSIGN_OR_RETURN(const v1::GetSessionResponse response,
                   client.GetSession(invocation.arguments[0]));
  if (output.is_table()) {
    output.PrintText(SessionText(response.session(), output.terminal()));
  } else {
    output.PrintMessage(response);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Release(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(AlgClient client, MakeClient(invocation));
  ASSIGN_OR_RETURN(const v1::ReleaseSessionResponse response,
                   client.ReleaseSession(invocation.arguments[0]));
  if (!output.is_table()) {
    output.PrintMessage(response);
  } else if (response.streams().empty()) {
    output.PrintText("Nothing was left to release.\n");
  } else {
    output.PrintText(absl::StrCat("Released. Its last state:\n\n",
                                  StreamTable(response.streams(), output.terminal())));
  }
  return ExitCode::kOk;
}

}  // namespace

std::string SessionText(const v1::Session& session, const Terminal& terminal) {
  FieldList fields;
  fields.Add("Session", session.session_id());
  fields.Add("State", ShortName(v1::SessionState_Name(session.state()), "SESSION_STATE_"));
  fields.Add("IMS-AGW", session.gateway_instance_id());
  fields.Add("Created", ToHuman(session.creation_time()));
  fields.Add("Call-ID", session.dialogue().call_id());
  fields.Add("From tag", session.dialogue().from_tag());
  fields.Add("To tag", session.dialogue().to_tag());
  const std::string streams = StreamTable(session.streams(), terminal);
  return absl::StrCat(fields.ToString(terminal), streams.empty() ? "" : "\n", streams);
}

CommandGroup SessionGroup() { return {"session", "Sessions, as the IMS-ALG knows them."}; }

std::vector<Command> SessionCommands() {
  Command get;
  get.group = "session";
  get.name = "get";
  get.summary = "Shows a session: its state, its IMS-AGW, and how its media do.";
  get.description =
      "Each m-line of ours has two ends: \"access\" towards the UE and \"core\" towards the core "
      "network. "
      "An end is idle (no connection yet), connecting (TLS included), established, released (it "
      "was "
      "established and has ended) or failed. Octets are those of the application, inside TLS.";
  get.arguments = {SessionArgument()};
  get.examples = {{"iqctl session get ID", "Does the chat have its two connections?"},
                  {"iqctl session get ID -o json | jq -r '.session.streams[].access.state'",
                   "Only the state of the connections to the UE."}};
  get.run = Get;

  Command release;
  release.group = "session";
  release.name = "release";
  release.summary = "Releases a session: its connections end, its ports are free.";
  release.description =
      "For sessions that their network function has forgotten. UE and core are not told by SIP: "
      "their "
      "connections are closed. A session that is not there any more is no error.";
  release.arguments = {SessionArgument()};
  release.examples = {{"iqctl session release ID", "Ends it, and shows what went through."}};
  release.run = Release;
  return {get, release};
}

}  // namespace iqctl
