// How is it going? One look at all of iqgate in a namespace.
'use strict';

const {
  NAMESPACE,
  REALM,
  add,
  bars,
  counted,
  dashboard,
  lines,
  namespaceVariable,
  number,
  orNone,
  orZero,
  query,
  rate,
  ratio,
  realmVariable,
  series,
} = require('./parts');

const contexts = series('iqgate_agw_contexts', NAMESPACE);
const requests = (...matchers) => series('iqgate_alg_requests_total', NAMESPACE, ...matchers);
const notifications = (...matchers) => series('iqgate_agw_notifications_total', NAMESPACE, ...matchers);
const gateways = (...matchers) => series('iqgate_alg_gateways', NAMESPACE, ...matchers);
const firing = `ALERTS{alertname=~"Iqgate.+", alertstate="firing", ${NAMESPACE}}`;

// Every cause of trouble under one label, each named for where it is met.
const causes = [
  ['call', 'reason', requests('outcome=~"error|reject"')],
  ['TLS', 'cause', notifications('kind="tls_failed"')],
  ['TCP', 'cause', notifications('kind="tcp_failed"')],
  ['timer', 'cause', notifications('kind="setup_timed_out"')],
  // The other causes are how sessions end, or follow from one of these.
  ['ended', 'cause', notifications('kind="bearer_released", cause=~"tls_error|timed_out|peer_vanished|protocol_error"')],
  ['AGW lost', 'reason', series('iqgate_alg_gateway_lost_total', NAMESPACE)],
].map(
  ([where, label, selector]) =>
    `label_replace(sum by (${label}) (${counted(selector)}), "what", "${where}: $1", "${label}", "(.*)")`,
);

const durations = (method) => series('iqgate_alg_request_duration_seconds_bucket', NAMESPACE, `method="${method}"`);
const quantile = (q, method) => `histogram_quantile(${q}, sum by (le) (${rate(durations(method))}))`;
const used = (part, whole, ...matchers) => `${series(part, NAMESPACE, ...matchers)} / ${series(whole, NAMESPACE, ...matchers)}`;

const failures = requests('outcome="error"');
const established = notifications('kind="tls_established"');
const failed = notifications('kind="tls_failed"');
const tlsGood = orZero(`sum(${counted(established)})`, contexts);
const tlsBad = orZero(`sum(${counted(failed)})`, contexts);

module.exports = () =>
  add(
    dashboard(
      'iqgate-overview',
      'iqgate / Overview',
      'Sessions, whether calls succeed, why not, and how much room is left. The other dashboards tell more.',
      [namespaceVariable(), realmVariable()],
    ),
    [
      number({
        title: 'Sessions',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'Contexts of all IMS-AGWs: sessions that are being set up, talk, or are forgotten by their client.',
        queries: [query(`sum(${contexts})`, 'sessions')],
      }),
      number({
        title: 'Offers',
        width: 4,
        unit: 'reqps',
        description: 'SDP offers a second that network functions hand to the IMS-ALGs.',
        queries: [query(orZero(`sum(${rate(requests('method="ProcessOffer"'))})`, gateways()), 'offers')],
      }),
      number({
        title: 'Calls without error',
        width: 4,
        unit: 'percentunit',
        decimals: 2,
        max: 1,
        history: false,
        description:
          'Of all calls of network functions in the time shown, those that did not end in an error. A rejected ' +
          'description (488) is an answer and no error. Also errors that the caller has made count: dashboard ALG tells them apart.',
        thresholds: [
          ['red', null],
          ['orange', 0.95],
          ['green', 0.99],
        ],
        noValue: 'no calls',
        queries: [
          query(`1 - ${ratio(orZero(`sum(${counted(failures)})`, gateways()), `sum(${counted(requests())})`)}`, 'good', true),
        ],
        runbooks: ['IqgateOffersFailing'],
      }),
      number({
        title: 'TLS handshakes that succeed',
        width: 4,
        unit: 'percentunit',
        decimals: 1,
        max: 1,
        history: false,
        description: 'Of the TLS handshakes with phones in the time shown. Who scans ports fails them too.',
        thresholds: [
          ['red', null],
          ['orange', 0.8],
          ['green', 0.95],
        ],
        noValue: 'no handshakes',
        queries: [query(ratio(tlsGood, `(${tlsGood}) + (${tlsBad})`), 'good', true)],
        runbooks: ['IqgateTlsFailureRatioHigh', 'IqgateFingerprintMismatchBurst'],
      }),
      number({
        title: 'IMS-AGWs that take sessions',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'As the replica of the IMS-ALG sees it that sees the fewest.',
        thresholds: [
          ['red', null],
          ['green', 1],
        ],
        queries: [query(`sum(min by (namespace) (${gateways('state="up"')}))`, 'up')],
        runbooks: ['IqgateNoReadyAgw', 'IqgateAgwUnreachable'],
      }),
      number({
        title: 'Alerts that fire',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'Of those whose name begins with Iqgate.',
        thresholds: [
          ['green', null],
          ['red', 1],
        ],
        queries: [query(orZero(`count(${firing})`, series('iqgate_build_info', NAMESPACE)), 'firing')],
      }),

      lines({
        title: 'Sessions by IMS-AGW',
        width: 12,
        unit: 'short',
        stacked: true,
        description: 'Contexts of each IMS-AGW. One that drains goes down to 0; one that is gone has no line.',
        queries: [query(`sum by (pod) (${contexts})`, '{{pod}}')],
      }),
      lines({
        title: 'Calls by outcome',
        width: 12,
        unit: 'reqps',
        stacked: true,
        description:
          'Calls of network functions a second. forward: the description goes on; reject: it must not; ok: other calls; ' +
          'error: the call failed.',
        queries: [query(orNone(`sum by (outcome) (${rate(requests())})`, gateways(), 'outcome', 'forward'), '{{outcome}}')],
        colors: { forward: 'green', ok: 'blue', reject: 'orange', error: 'red' },
        runbooks: ['IqgateOffersFailing'],
      }),

      bars({
        title: 'How full',
        width: 8,
        unit: 'percentunit',
        max: 1,
        height: 9,
        description: 'Of each IMS-AGW: sessions of those configured, ports of a realm, open files of the limit.',
        thresholds: [
          ['green', null],
          ['orange', 0.8],
          ['red', 0.9],
        ],
        queries: [
          query(`max by (pod) (${contexts} / ${series('iqgate_agw_contexts_limit', NAMESPACE)})`, '{{pod}} sessions', true),
          query(
            `max by (pod, realm) (${used('iqgate_agw_realm_ports_in_use', 'iqgate_agw_realm_ports', REALM)})`,
            '{{pod}} ports {{realm}}',
            true,
          ),
          query(
            `max by (pod) (${used('iqgate_agw_open_file_descriptors', 'iqgate_agw_open_file_descriptors_limit')})`,
            '{{pod}} files',
            true,
          ),
        ],
        runbooks: ['IqgateContextsNearlyUsedUp', 'IqgatePortsNearlyUsedUp', 'IqgateDescriptorsNearlyUsedUp'],
      }),
      bars({
        title: 'Most frequent causes',
        width: 8,
        unit: 'short',
        decimals: 0,
        height: 9,
        description:
          'What went wrong in the time shown, all in one list. call: answered with a rejection or an error; TLS, TCP: a ' +
          'connection was not established; timer: a phone or a peer did not come in time; ended: an established session broke. ' +
          'Losses of IMS-AGWs are counted by each replica of the IMS-ALG.',
        thresholds: [['blue', null]],
        queries: [query(orNone(`topk(10, ${causes.join(' or ')})`, contexts, 'what'), '{{what}}', true)],
        runbooks: ['IqgateTlsFailureRatioHigh', 'IqgateCoreRefusesConnections'],
      }),
      lines({
        title: 'Time to answer',
        width: 8,
        unit: 's',
        height: 9,
        description:
          'From the call of a network function to its answer. Half of the calls are faster than p50, 99 of 100 faster than p99.',
        queries: [
          query(quantile(0.5, 'ProcessOffer'), 'offer p50'),
          query(quantile(0.99, 'ProcessOffer'), 'offer p99'),
          query(quantile(0.99, 'ProcessAnswer'), 'answer p99'),
        ],
        runbooks: ['IqgateOffersSlow'],
      }),

      lines({
        title: 'How far sessions get',
        width: 8,
        unit: 'cps',
        description: 'Steps of the set-up a second. Where one line lies below the one before, sessions are lost in between.',
        queries: [
          query(orZero(`sum(${rate(requests('method="ProcessOffer"', 'outcome="forward"'))})`, gateways()), '1 offer'),
          query(orZero(`sum(${rate(requests('method="ProcessAnswer"', 'outcome="forward"'))})`, gateways()), '2 answer'),
          query(orZero(`sum(${rate(notifications('kind="tcp_established"', 'side="access"'))})`, contexts), '3 TCP of the phone'),
          query(orZero(`sum(${rate(established)})`, contexts), '4 TLS'),
          query(orZero(`sum(${rate(notifications('kind="tcp_established"', 'side="core"'))})`, contexts), '5 TCP of the core'),
        ],
      }),
      lines({
        title: 'Media',
        width: 8,
        unit: 'Bps',
        description: 'Octets of the application, inside TLS, that came in at each side.',
        queries: [
          query(`sum by (side) (${rate(series('iqgate_agw_received_bytes_total', NAMESPACE))})`, 'from the {{side}} side'),
        ],
      }),
      lines({
        title: 'IMS-AGWs by state',
        width: 8,
        unit: 'short',
        decimals: 0,
        stepped: true,
        description: 'As the replica of the IMS-ALG sees it that sees the most in the state. lost: with all its sessions.',
        queries: [query(`sum by (state) (max by (namespace, state) (${gateways()}))`, '{{state}}')],
        colors: { up: 'green', draining: 'blue', unreachable: 'orange', lost: 'red' },
        runbooks: ['IqgateAgwUnreachable', 'IqgateAgwLostWithSessions'],
      }),
    ],
  );
