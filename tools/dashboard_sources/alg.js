// The IMS-ALGs: what network functions ask and get, what becomes of descriptions, and how the IMS-AGWs answer.
'use strict';

const {
  POD,
  add,
  bars,
  counted,
  dashboard,
  lines,
  namespaceVariable,
  number,
  orNone,
  orZero,
  podVariable,
  query,
  rate,
  ratio,
  rows,
  series,
  startAndVersion,
} = require('./parts');

const gateways = series('iqgate_alg_gateways', POD);
const requests = (...matchers) => series('iqgate_alg_requests_total', POD, ...matchers);
// Errors by which a caller learns of its own mistake, as session.proto has them.
const OF_CALLER =
  'reason=~"FIELD_MISSING|FIELD_INVALID|SDP_MALFORMED|SDP_TOO_LARGE|REQUEST_REUSED|SESSION_UNKNOWN|SESSION_CHANGED|' +
  'ALREADY_ANSWERED|NOT_OFFERED|DIRECTION_UNSUPPORTED|REOFFER_UNSUPPORTED|CANCELLED|UNIMPLEMENTED"';
const ofService = requests('outcome="error"', OF_CALLER.replace('=~', '!~'));
const ofCaller = requests('outcome="error"', OF_CALLER);
const by = (label, selector, first) => orNone(`sum by (${label}) (${rate(selector)})`, gateways, label, first);
const quantile = (q, metric, labels, ...matchers) =>
  `histogram_quantile(${q}, sum by (${['le', ...labels].join(', ')}) (${rate(series(`${metric}_bucket`, POD, ...matchers))}))`;
// Reasons or kinds in the time shown, the most frequent first.
const frequent = (label, selector) => `sort_desc(${orNone(`sum by (${label}) (${counted(selector)})`, gateways, label)})`;
const reported = series('iqgate_alg_iq_notifications_total', POD);
const most = (label, metric) => orNone(`max by (${label}) (${counted(series(metric, POD))})`, gateways, label);
const ours = series('iqgate_build_info', POD, 'component="alg"');

module.exports = () =>
  add(
    dashboard('iqgate-alg', 'iqgate / ALG', 'The IMS-ALGs: calls of network functions, SDP, and the way to the IMS-AGWs.', [
      namespaceVariable(),
      podVariable('iqgate_alg_gateways'),
    ]),
    [
      'Calls of network functions',
      number({
        title: 'Calls',
        width: 6,
        unit: 'reqps',
        description: 'All methods.',
        queries: [query(orZero(`sum(${rate(requests())})`, gateways), 'calls')],
      }),
      number({
        title: 'Errors of ours',
        width: 6,
        unit: 'percentunit',
        decimals: 2,
        max: 1,
        history: false,
        description: 'Of all calls in the time shown, those that failed although the caller made no mistake.',
        thresholds: [
          ['green', null],
          ['orange', 0.01],
          ['red', 0.05],
        ],
        noValue: 'no calls',
        queries: [query(ratio(orZero(`sum(${counted(ofService)})`, gateways), `sum(${counted(requests())})`), 'errors', true)],
        runbooks: ['IqgateOffersFailing'],
      }),
      number({
        title: 'Errors of callers',
        width: 6,
        unit: 'percentunit',
        decimals: 2,
        max: 1,
        history: false,
        description:
          'Of all calls in the time shown, those that cannot be served: SDP nobody can read, fields ' +
          'that are missing, what is not there yet.',
        thresholds: [
          ['green', null],
          ['orange', 0.05],
        ],
        noValue: 'no calls',
        queries: [query(ratio(orZero(`sum(${counted(ofCaller)})`, gateways), `sum(${counted(requests())})`), 'errors', true)],
      }),
      number({
        title: 'Offers faster than',
        width: 6,
        unit: 's',
        noValue: 'no offers',
        description: '99 of 100 offers in the last minutes. The goal is half a second also when an IMS-AGW hangs.',
        thresholds: [
          ['green', null],
          ['orange', 0.25],
          ['red', 0.5],
        ],
        queries: [query(quantile(0.99, 'iqgate_alg_request_duration_seconds', [], 'method="ProcessOffer"'), 'p99')],
        runbooks: ['IqgateOffersSlow'],
      }),
      lines({
        title: 'Calls by method',
        width: 8,
        unit: 'reqps',
        stacked: true,
        description: 'A second, as network functions call them.',
        queries: [query(by('method', requests(), 'ProcessOffer'), '{{method}}')],
      }),
      lines({
        title: 'Calls by outcome',
        width: 8,
        unit: 'reqps',
        stacked: true,
        description: 'forward: the description goes on; reject: it must not; ok: other calls; error: the call failed.',
        queries: [query(by('outcome', requests(), 'forward'), '{{outcome}}')],
        colors: { forward: 'green', ok: 'blue', reject: 'orange', error: 'red' },
        runbooks: ['IqgateOffersFailing'],
      }),
      lines({
        title: 'Time to answer',
        width: 8,
        unit: 's',
        description: 'What 99 of 100 calls of each method stay below.',
        queries: [query(quantile(0.99, 'iqgate_alg_request_duration_seconds', ['method']), '{{method}}')],
        runbooks: ['IqgateOffersSlow'],
      }),
      bars({
        title: 'Errors',
        width: 8,
        unit: 'short',
        decimals: 0,
        description:
          'Calls that failed in the time shown, by reason; docs/p-cscf.md says what each means. ' +
          'NO_GATEWAY, GATEWAY_FULL, GATEWAY_LOST, ' +
          'GATEWAY_REFUSED, UNAVAILABLE and INTERNAL are ours, the rest are mistakes of callers.',
        thresholds: [['red', null]],
        queries: [query(frequent('reason', requests('outcome="error"')), '{{reason}}', true)],
        runbooks: ['IqgateOffersFailing'],
      }),
      bars({
        title: 'Rejections',
        width: 8,
        unit: 'short',
        decimals: 0,
        description: 'Descriptions in the time shown that must not go on (488), by reason; docs/offer-answer.md has them all.',
        thresholds: [['orange', null]],
        queries: [query(frequent('reason', requests('outcome="reject"')), '{{reason}}', true)],
      }),
      bars({
        title: 'Calls refused',
        width: 8,
        unit: 'short',
        decimals: 0,
        description: "In the time shown, because the client's certificate has none of allowed_client_names.",
        thresholds: [
          ['green', null],
          ['orange', 1],
        ],
        queries: [query(`sum by (pod) (${counted(series('iqgate_alg_refused_clients_total', POD))})`, '{{pod}}', true)],
        runbooks: ['IqgateRefusedClients'],
      }),

      'Descriptions',
      lines({
        title: 'What becomes of m-lines',
        width: 12,
        unit: 'cps',
        stacked: true,
        description:
          'E2AE: anchored, TLS towards the phone; PASSED: not ours; REJECTED: by us, port 0; DECLINED: by its sender. ' +
          'Offers and answers count.',
        queries: [query(by('handling', series('iqgate_alg_media_total', POD), 'E2AE'), '{{handling}}')],
      }),
      bars({
        title: 'm-lines rejected',
        width: 6,
        unit: 'short',
        decimals: 0,
        description: 'In the time shown, by reason; also those of descriptions that go on with their other m-lines.',
        thresholds: [['orange', null]],
        queries: [query(frequent('reason', series('iqgate_alg_media_total', POD, 'handling="REJECTED"')), '{{reason}}', true)],
      }),
      bars({
        title: 'Tolerated',
        width: 6,
        unit: 'short',
        decimals: 0,
        description: 'Descriptions in the time shown that break RFC 8866 where it does not concern us, by what breaks it.',
        thresholds: [['blue', null]],
        queries: [query(frequent('kind', series('iqgate_alg_sdp_deviations_total', POD)), '{{kind}}', true)],
      }),

      'The way to the IMS-AGWs',
      lines({
        title: 'IMS-AGWs by state',
        width: 8,
        unit: 'short',
        decimals: 0,
        stepped: true,
        description: 'As each replica sees them. unreachable: nothing is heard of them; lost: with all their sessions.',
        queries: [query(`sum by (pod, state) (${gateways})`, '{{pod}} {{state}}')],
        runbooks: ['IqgateNoReadyAgw', 'IqgateAgwUnreachable'],
      }),
      lines({
        title: 'Reservations',
        width: 8,
        unit: 'cps',
        stacked: true,
        description:
          'IMS-AGWs asked to reserve for an offer, by what came of it. refused: full; late: another one was asked meanwhile.',
        queries: [query(by('outcome', series('iqgate_alg_reservations_total', POD), 'reserved'), '{{outcome}}')],
      }),
      lines({
        title: 'Iq: time to answer',
        width: 8,
        unit: 's',
        description: 'What 99 of 100 calls of IMS-AGWs stay below, by method.',
        queries: [query(quantile(0.99, 'iqgate_alg_iq_request_duration_seconds', ['method']), '{{method}}')],
        runbooks: ['IqgateOffersSlow'],
      }),
      lines({
        title: 'Iq: calls by result',
        width: 8,
        unit: 'reqps',
        stacked: true,
        description: 'Calls of IMS-AGWs a second, by status code.',
        queries: [query(by('code', series('iqgate_alg_iq_requests_total', POD), 'OK'), '{{code}}')],
      }),
      lines({
        title: 'Iq: notifications',
        width: 8,
        unit: 'cps',
        description: 'What IMS-AGWs report a second, as one replica of the IMS-ALG sees it.',
        queries: [query(orNone(`max by (kind) (sum by (pod, kind) (${rate(reported)}))`, gateways, 'kind'), '{{kind}}')],
      }),
      bars({
        title: 'Lost or missed',
        width: 8,
        unit: 'short',
        decimals: 0,
        description:
          'In the time shown, by the replica that counted the most. lost: IMS-AGWs with their sessions; ' +
          'unreachable: how often an address stopped leading to one; ' +
          'notifications: gaps in their numbers.',
        thresholds: [
          ['green', null],
          ['orange', 1],
        ],
        queries: [
          query(most('reason', 'iqgate_alg_gateway_lost_total'), 'lost: {{reason}}', true),
          query(most('reason', 'iqgate_alg_gateway_unreachable_total'), 'unreachable: {{reason}}', true),
          query(`max(${counted(series('iqgate_alg_iq_notifications_missed_total', POD))})`, 'notifications missed', true),
        ],
        runbooks: ['IqgateAgwLostWithSessions', 'IqgateAgwUnreachable', 'IqgateEventStreamBehind'],
      }),

      'Processes',
      lines({
        title: 'CPU',
        width: 8,
        unit: 'short',
        description: 'Cores that each process keeps busy.',
        queries: [
          query(`sum by (pod) (${rate(series('process_cpu_seconds_total', POD))} and on (namespace, pod) ${ours})`, '{{pod}}'),
        ],
      }),
      lines({
        title: 'Memory',
        width: 8,
        unit: 'bytes',
        description: 'Resident memory of each process.',
        queries: [
          query(`sum by (pod) (${series('process_resident_memory_bytes', POD)} and on (namespace, pod) ${ours})`, '{{pod}}'),
        ],
      }),
      rows({
        title: 'Running since',
        width: 8,
        unit: 'dateTimeAsIso',
        description: 'Each replica with its version and its start. It keeps no session, so a restart loses none.',
        columns: { namespace: 'Namespace', pod: 'Pod', version: 'Version' },
        value: 'Since',
        queries: [query(startAndVersion('alg'), '{{pod}}', true)],
      }),
    ],
  );
