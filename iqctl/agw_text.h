// What IMS-AGWs say, for people.

#ifndef IQCTL_AGW_TEXT_H_
#define IQCTL_AGW_TEXT_H_

#include <string>
#include <vector>

#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/gateways.h"
#include "iqctl/text/table.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

std::string GatewayListText(const std::vector<Gateway>& gateways, const Terminal& terminal);
std::string GatewayText(const Gateway& gateway, const Terminal& terminal);
std::string ContextText(const ims::iq::v1::AuditContextResponse& context, const Terminal& terminal);

// One line, with its line break.
std::string EventText(const ims::iqctl::v1::GatewayEvent& event, const Terminal& terminal);

// "up", "draining", "unreachable"
Cell StateCell(const ims::iqctl::v1::Gateway& gateway);

// "access 12/9999, core 12/9999", or a lone cell for each of them.
std::string PortsText(const ims::iq::v1::GatewayStatus& status);

// `used` of `total`, in a colour where little is left.
Cell UseCell(uint64_t used, uint64_t total);

}  // namespace iqctl

#endif  // IQCTL_AGW_TEXT_H_
