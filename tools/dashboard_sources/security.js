// Who tries what he must not, and whose certificates end.
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
  series,
} = require('./parts');

const contexts = series('iqgate_agw_contexts', POD);
const notifications = (...matchers) => series('iqgate_agw_notifications_total', POD, ...matchers);
const mismatches = notifications('kind="fingerprint_mismatch"');
const tlsFailed = notifications('kind="tls_failed"');
const dropped = series('iqgate_agw_dropped_syns_total', POD);
const refused = series('iqgate_agw_refused_connections_total', POD);
const agwClients = series('iqgate_agw_refused_clients_total', POD);
const algClients = series('iqgate_alg_refused_clients_total', POD);
const left = (metric) => `min by (pod) (${series(metric, POD)}) - time()`;

module.exports = () =>
  add(
    dashboard(
      'iqgate-security',
      'iqgate / Security',
      'Who tries what he must not: SYNs, connections, certificates, calls. And how long certificates last.',
      [namespaceVariable(), podVariable('iqgate_build_info')],
    ),
    [
      'In the time shown',
      number({
        title: 'Fingerprint mismatches',
        width: 5,
        unit: 'short',
        decimals: 0,
        history: false,
        description:
          "Connections whose certificate was not the one of the phone's SDP. Their handshake failed; nothing was let through.",
        thresholds: [
          ['green', null],
          ['orange', 1],
          ['red', 10],
        ],
        queries: [query(orZero(`sum(${counted(mismatches)})`, contexts), 'mismatches', true)],
        runbooks: ['IqgateFingerprintMismatchBurst'],
      }),
      number({
        title: 'Handshakes that failed',
        width: 5,
        unit: 'short',
        decimals: 0,
        history: false,
        description: 'TLS with phones, or with who takes himself for one; all causes.',
        thresholds: [
          ['green', null],
          ['orange', 100],
        ],
        queries: [query(orZero(`sum(${counted(tlsFailed)})`, contexts), 'failed', true)],
        runbooks: ['IqgateTlsFailureRatioHigh'],
      }),
      number({
        title: 'Connections refused',
        width: 5,
        unit: 'short',
        decimals: 0,
        history: false,
        description: 'Reset at once: from a source that is not let in, or beside the connection there is.',
        thresholds: [
          ['green', null],
          ['orange', 100],
        ],
        queries: [query(`sum(${counted(refused)})`, 'refused', true)],
      }),
      number({
        title: 'Calls refused',
        width: 5,
        unit: 'short',
        decimals: 0,
        history: false,
        description:
          'Calls of Iq or of the IMS-ALG whose client has a certificate of our authority, but none of the names that are allowed.',
        thresholds: [
          ['green', null],
          ['red', 1],
        ],
        queries: [query(`sum(${counted(agwClients)} or ${counted(algClients)})`, 'refused', true)],
        runbooks: ['IqgateRefusedClients'],
      }),
      number({
        title: 'First certificate ends in',
        width: 4,
        unit: 's',
        decimals: 1,
        history: false,
        description: 'Of all certificates: those that phones see, and those of gRPC.',
        thresholds: [
          ['red', null],
          ['orange', 2 * 86400],
          ['green', 14 * 86400],
        ],
        queries: [query(`min({__name__=~"iqgate_.+_certificate_expiry_timestamp_seconds", ${POD}}) - time()`, 'left', true)],
        runbooks: ['IqgateCertificateNearItsEnd'],
      }),

      'Connections of the media',
      lines({
        title: 'SYNs dropped',
        width: 12,
        unit: 'cps',
        description:
          'By gates of terminations that nobody, or not this source, may connect to yet. One or two for each session are normal ' +
          '(the phone is faster than its answer); many without offers are a scan.',
        queries: [query(`sum by (pod) (${rate(dropped)})`, '{{pod}}')],
      }),
      lines({
        title: 'Connections refused',
        width: 12,
        unit: 'cps',
        description: 'Reset at once, by IMS-AGW.',
        queries: [query(`sum by (pod) (${rate(refused)})`, '{{pod}}')],
      }),

      'Certificates of phones',
      lines({
        title: 'Fingerprints',
        width: 8,
        unit: 'cps',
        description: 'Certificates of phones that match their SDP, and that do not.',
        queries: [
          query(orZero(`sum(${rate(notifications('kind="fingerprint_verified"'))})`, contexts), 'verified'),
          query(orZero(`sum(${rate(mismatches)})`, contexts), 'mismatch'),
        ],
        colors: { verified: 'green', mismatch: 'red' },
        runbooks: ['IqgateFingerprintMismatchBurst'],
      }),
      lines({
        title: 'TLS failures by cause',
        width: 8,
        unit: 'cps',
        stacked: true,
        description:
          'not_tls, closed_by_peer and timed_out are typical of scans; ' +
          'no_certificate, certificate_refused and protocol_version of phones that are set up wrongly; ' +
          'fingerprint_mismatch and bad_signature of attacks.',
        queries: [query(orNone(`sum by (cause) (${rate(tlsFailed)})`, contexts, 'cause'), '{{cause}}')],
        runbooks: ['IqgateTlsFailureRatioHigh'],
      }),
      bars({
        title: 'TLS failures in the time shown',
        width: 8,
        unit: 'short',
        decimals: 0,
        description: 'By cause.',
        thresholds: [['orange', null]],
        queries: [query(`sort_desc(${orNone(`sum by (cause) (${counted(tlsFailed)})`, contexts, 'cause')})`, '{{cause}}', true)],
        runbooks: ['IqgateTlsFailureRatioHigh'],
      }),

      'Callers and certificates of gRPC',
      lines({
        title: 'Calls refused',
        width: 12,
        unit: 'reqps',
        description: "Because the client's certificate has none of allowed_client_names.",
        queries: [
          query(`sum by (pod) (${rate(agwClients)})`, '{{pod}} Iq'),
          query(`sum by (pod) (${rate(algClients)})`, '{{pod}} API'),
        ],
        runbooks: ['IqgateRefusedClients'],
      }),
      bars({
        title: 'Certificates end in',
        width: 12,
        unit: 's',
        description:
          'Media: the first of those that phones see. Without files of its own an IMS-AGW makes new ones for a year by itself. ' +
          'gRPC: of mutual TLS; there is no bar where it is off.',
        thresholds: [
          ['red', null],
          ['orange', 2 * 86400],
          ['green', 14 * 86400],
        ],
        max: 90 * 86400,
        queries: [
          query(left('iqgate_agw_certificate_expiry_timestamp_seconds'), '{{pod}} media', true),
          query(left('iqgate_agw_grpc_certificate_expiry_timestamp_seconds'), '{{pod}} gRPC', true),
          query(left('iqgate_alg_grpc_certificate_expiry_timestamp_seconds'), '{{pod}} gRPC', true),
        ],
        runbooks: ['IqgateCertificateNearItsEnd'],
      }),
    ],
  );
