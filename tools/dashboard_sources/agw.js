// The IMS-AGWs: how full, what happens at their terminations, what passes, how the processes are.
'use strict';

const {
  POD,
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
  podVariable,
  query,
  rate,
  realmVariable,
  rows,
  series,
  startAndVersion,
} = require('./parts');

const contexts = series('iqgate_agw_contexts', POD);
const limit = series('iqgate_agw_contexts_limit', POD);
const notifications = (...matchers) => series('iqgate_agw_notifications_total', POD, ...matchers);
const draining = series('iqgate_agw_draining', POD);
// Processes of this dashboard: process_* has others too where the pods of a namespace are not only ours.
const ofAgw = (metric) => `${series(metric, POD)} and on (namespace, pod) ${contexts}`;
const used = (part, whole, ...matchers) => `${series(part, POD, ...matchers)} / ${series(whole, POD, ...matchers)}`;
const ports = used('iqgate_agw_realm_ports_in_use', 'iqgate_agw_realm_ports', REALM);
const files = used('iqgate_agw_open_file_descriptors', 'iqgate_agw_open_file_descriptors_limit');
const msrp = (name, ...labels) => `sum by (${labels.join(', ')}) (${rate(series(`iqgate_agw_msrp_${name}_total`, POD))})`;
const byCause = (kind, ...labels) =>
  orNone(`sum by (${[...labels, 'cause'].join(', ')}) (${rate(notifications(`kind="${kind}"`))})`, contexts, 'cause');

module.exports = () =>
  add(
    dashboard(
      'iqgate-agw',
      'iqgate / AGW',
      'The IMS-AGWs: how full they are, what happens at their terminations, and how the processes are.',
      [namespaceVariable(), podVariable('iqgate_agw_contexts'), realmVariable()],
    ),
    [
      'How full',
      number({
        title: 'Sessions',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'Contexts of the IMS-AGWs chosen.',
        queries: [query(`sum(${contexts})`, 'sessions')],
      }),
      number({
        title: 'Room for more',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'Sessions up to context_limit, of IMS-AGWs that do not drain. Ports or open files may run out before.',
        thresholds: [
          ['red', null],
          ['green', 1],
        ],
        queries: [query(orZero(`sum((${limit} - ${contexts}) and on (namespace, pod) (${draining} == 0))`, contexts), 'room')],
        runbooks: ['IqgateContextsNearlyUsedUp'],
      }),
      number({
        title: 'Fullest',
        width: 4,
        unit: 'percentunit',
        decimals: 1,
        max: 1,
        description: 'Sessions of context_limit, of the IMS-AGW that is the fullest.',
        thresholds: [
          ['green', null],
          ['orange', 0.8],
          ['red', 0.9],
        ],
        queries: [query(`max(${contexts} / ${limit})`, 'used')],
        runbooks: ['IqgateContextsNearlyUsedUp'],
      }),
      number({
        title: 'Ports',
        width: 4,
        unit: 'percentunit',
        decimals: 1,
        max: 1,
        description: 'Leased or resting, of the address that has the fewest left.',
        thresholds: [
          ['green', null],
          ['orange', 0.8],
          ['red', 0.9],
        ],
        queries: [query(`max(${ports})`, 'used')],
        runbooks: ['IqgatePortsNearlyUsedUp'],
      }),
      number({
        title: 'Open files',
        width: 4,
        unit: 'percentunit',
        decimals: 1,
        max: 1,
        description: 'Of the limit of the process, of the IMS-AGW that is the nearest to it.',
        thresholds: [
          ['green', null],
          ['orange', 0.8],
          ['red', 0.9],
        ],
        queries: [query(`max(${files})`, 'used')],
        runbooks: ['IqgateDescriptorsNearlyUsedUp'],
      }),
      number({
        title: 'Draining',
        width: 4,
        unit: 'short',
        decimals: 0,
        description: 'IMS-AGWs that take no new sessions.',
        thresholds: [
          ['green', null],
          ['blue', 1],
        ],
        queries: [query(`sum(${draining})`, 'draining')],
        runbooks: ['IqgateDrainStuck'],
      }),
      lines({
        title: 'Sessions',
        width: 8,
        unit: 'short',
        dashed: '/limit/',
        description: 'Contexts of each IMS-AGW, and the most it takes.',
        queries: [query(`sum by (pod) (${contexts})`, '{{pod}}'), query(`sum by (pod) (${limit})`, '{{pod}} limit')],
        runbooks: ['IqgateContextsNearlyUsedUp'],
      }),
      lines({
        title: 'Ports in use',
        width: 8,
        unit: 'percentunit',
        max: 1,
        description:
          'Leased to a termination or resting after it (port_quarantine), of the address of the realm with the fewest left.',
        queries: [query(`max by (pod, realm) (${ports})`, '{{pod}} {{realm}}')],
        runbooks: ['IqgatePortsNearlyUsedUp'],
      }),
      lines({
        title: 'Open files',
        width: 8,
        unit: 'short',
        dashed: '/limit/',
        description: 'File descriptors of the process. A session takes up to four.',
        queries: [
          query(`sum by (pod) (${series('iqgate_agw_open_file_descriptors', POD)})`, '{{pod}}'),
          query(`sum by (pod) (${series('iqgate_agw_open_file_descriptors_limit', POD)})`, '{{pod}} limit'),
        ],
        runbooks: ['IqgateDescriptorsNearlyUsedUp'],
      }),

      'Sessions come about',
      lines({
        title: 'Connections that are established',
        width: 8,
        unit: 'cps',
        description:
          "TCP of both sides; TLS with the phone; and the phone's certificate that matched the fingerprint of its SDP.",
        queries: [
          query(orNone(`sum by (side) (${rate(notifications('kind="tcp_established"'))})`, contexts, 'side'), 'TCP {{side}}'),
          query(orZero(`sum(${rate(notifications('kind="tls_established"'))})`, contexts), 'TLS'),
          query(orZero(`sum(${rate(notifications('kind="fingerprint_verified"'))})`, contexts), 'fingerprint verified'),
        ],
      }),
      lines({
        title: 'TLS failures',
        width: 8,
        unit: 'cps',
        stacked: true,
        description: 'Handshakes that failed, by cause.',
        queries: [query(byCause('tls_failed'), '{{cause}}')],
        runbooks: ['IqgateTlsFailureRatioHigh'],
      }),
      lines({
        title: 'TCP failures',
        width: 8,
        unit: 'cps',
        stacked: true,
        description:
          'Connections that were not established, by side and cause. refused, unreachable: the peer or the network said so; ' +
          'timed_out: nobody answered, or nobody came; local: our own address or port could not be used; ' +
          'congestion: the phone had to wait too long for other handshakes.',
        queries: [query(byCause('tcp_failed', 'side'), '{{side}} {{cause}}')],
        runbooks: ['IqgateCoreRefusesConnections', 'IqgateTlsHandshakesWaiting'],
      }),
      lines({
        title: 'Timers of the set-up that ended',
        width: 8,
        unit: 'cps',
        stacked: true,
        description:
          'await_configuration: no answer of the phone was handed to us; tcp_establishment: the phone or the peer did not come; ' +
          'tls_establishment: the handshake took too long.',
        queries: [query(byCause('setup_timed_out', 'side'), '{{side}} {{cause}}')],
      }),
      lines({
        title: 'SYNs dropped, connections refused',
        width: 8,
        unit: 'cps',
        description:
          'SYNs of who may not connect yet, or not at all, are dropped in silence: one or two for each session are normal. ' +
          'Refused: connections reset because their source is not let in, or beside the one there is.',
        queries: [
          query(`sum(${rate(series('iqgate_agw_dropped_syns_total', POD))})`, 'SYNs dropped'),
          query(`sum(${rate(series('iqgate_agw_refused_connections_total', POD))})`, 'connections refused'),
        ],
      }),
      bars({
        title: 'Forgotten, refused, or short of something',
        width: 8,
        unit: 'short',
        decimals: 0,
        description:
          'In the time shown. hanging_termination: sessions whose client has forgotten them; descriptor_shortage: no file ' +
          'descriptor for a connection that waits; reservations refused for want of contexts, descriptors or ports; few ports left; ' +
          'connections of peers that took nothing while buffered_byte_limit was reached; files of certificates that are of no use.',
        thresholds: [
          ['green', null],
          ['orange', 1],
        ],
        queries: [
          query(orZero(`sum(${counted(notifications('kind="hanging_termination"'))})`, contexts), 'hanging terminations', true),
          query(orZero(`sum(${counted(notifications('kind="descriptor_shortage"'))})`, contexts), 'descriptor shortages', true),
          query(
            `sum by (reason) (${counted(series('iqgate_agw_refused_reservations_total', POD, 'reason!="draining"'))})`,
            'refused: {{reason}}',
            true,
          ),
          query(orZero(`sum(${counted(notifications('kind="port_pool_low"'))})`, contexts), 'few ports left', true),
          query(
            orZero(`sum(${counted(notifications('kind="bearer_released"', 'cause="buffer_limit"'))})`, contexts),
            'ended at the buffer limit',
            true,
          ),
          query(
            orZero(`sum(${counted(series('iqgate_agw_certificate_reloads_total', POD, 'result="refused"'))})`, contexts),
            'certificate files refused',
            true,
          ),
        ],
        runbooks: [
          'IqgateDescriptorsNearlyUsedUp',
          'IqgateReservationsRefused',
          'IqgatePortsNearlyUsedUp',
          'IqgateBufferLimitReached',
          'IqgateCertificateFilesRefused',
        ],
      }),
      lines({
        title: 'TLS handshakes',
        width: 24,
        unit: 'short',
        description:
          'Under way, those that are held for the fingerprint of an answer included; and connections that wait until one is ' +
          'over, because tls.handshake_limit is reached.',
        queries: [
          query(`sum by (pod) (${series('iqgate_agw_tls_handshakes', POD)})`, '{{pod}} under way'),
          query(`sum by (pod) (${series('iqgate_agw_tls_handshakes_waiting', POD)})`, '{{pod}} waiting'),
        ],
        runbooks: ['IqgateTlsHandshakesWaiting'],
      }),

      'Media',
      lines({
        title: 'Octets',
        width: 8,
        unit: 'Bps',
        description: 'Of the application, inside TLS, that came in at each side of each IMS-AGW.',
        queries: [query(`sum by (pod, side) (${rate(series('iqgate_agw_received_bytes_total', POD))})`, '{{pod}} from {{side}}')],
      }),
      lines({
        title: 'Octets kept for slow peers',
        width: 8,
        unit: 'bytes',
        description:
          'Read from one side and not taken yet by the peer of the other. At buffered_byte_limit the connections that have stood ' +
          'still for longest end.',
        queries: [query(`sum by (pod) (${series('iqgate_agw_buffered_bytes', POD)})`, '{{pod}}')],
        runbooks: ['IqgateBufferLimitReached'],
      }),
      lines({
        title: 'How connections end',
        width: 8,
        unit: 'cps',
        stacked: true,
        description:
          'Established connections that ended, by cause; both sides of a session count. closed_by_peers and ' +
          'other_side_ended are how sessions end, replaced is a phone that moved or another one that answered, drain_deadline and ' +
          'buffer_limit are ours; the rest is trouble of a phone, a peer or the network.',
        queries: [query(byCause('bearer_released'), '{{cause}}')],
      }),

      'MSRP of application-aware sessions',
      lines({
        title: 'Requests',
        width: 6,
        unit: 'reqps',
        description: 'By method and the side that they came from.',
        queries: [query(msrp('requests', 'side', 'method'), '{{method}} from {{side}}')],
      }),
      lines({
        title: 'Responses',
        width: 6,
        unit: 'reqps',
        description:
          'By code and the side that they came from. 200 is good; 481: the peer knows no such session; 413: it wants no more of a message.',
        queries: [query(msrp('responses', 'side', 'code'), '{{code}} from {{side}}')],
      }),
      lines({
        title: 'How messages end',
        width: 6,
        unit: 'reqps',
        description:
          'SEND requests: complete, continued in another one, aborted by the sender. cut_off: the connection ended amid a ' +
          "message; dropped: its receiver's connection was replaced.",
        queries: [query(msrp('chunks', 'end'), '{{end}}')],
      }),
      lines({
        title: 'Framing errors',
        width: 6,
        unit: 'cps',
        stacked: true,
        description: 'Sessions that ended because a peer sent what is no MSRP, by side and cause.',
        queries: [query(msrp('framing_errors', 'side', 'cause'), '{{cause}} from {{side}}')],
      }),

      'Processes',
      lines({
        title: 'CPU',
        width: 6,
        unit: 'short',
        description: 'Cores that each process keeps busy.',
        queries: [
          query(
            `sum by (pod) (${rate(series('process_cpu_seconds_total', POD))} and on (namespace, pod) ${contexts})`,
            '{{pod}}',
          ),
        ],
      }),
      lines({
        title: 'Memory',
        width: 6,
        unit: 'bytes',
        dashed: '/alert/',
        description: 'Resident memory of each process, and from where on the alert takes it for too much for its sessions.',
        queries: [
          query(`sum by (pod) (${ofAgw('process_resident_memory_bytes')})`, '{{pod}}'),
          query(`2^26 + 2^16 * clamp_min(max by (pod) (max_over_time(${contexts}[1d])), 1000)`, '{{pod}} alert'),
        ],
        runbooks: ['IqgateMemoryPerSessionHigh'],
      }),
      lines({
        title: 'Drain',
        width: 6,
        unit: 's',
        dashed: '/limit/',
        description:
          'How long each IMS-AGW has been draining, and the time after which one that was told to end has closed the sessions ' +
          'it still had.',
        queries: [
          query(`sum by (pod) (${series('iqgate_agw_drain_seconds', POD)})`, '{{pod}}'),
          query(`sum by (pod) (${series('iqgate_agw_drain_limit_seconds', POD)})`, '{{pod}} limit'),
        ],
        runbooks: ['IqgateDrainStuck'],
      }),
      bars({
        title: 'Events and log lines lost',
        width: 6,
        unit: 'short',
        decimals: 0,
        description: 'In the time shown. Notifications that nobody was shown, and log lines that nobody read in time.',
        thresholds: [
          ['green', null],
          ['red', 1],
        ],
        queries: [
          query(
            `sum by (pod) (${counted(series('iqgate_agw_notifications_dropped_total', POD))})`,
            '{{pod}} notifications',
            true,
          ),
          query(`sum by (pod) (${counted(series('iqgate_agw_log_lines_dropped_total', POD))})`, '{{pod}} log lines', true),
        ],
        runbooks: ['IqgateEventStreamBehind'],
      }),
      rows({
        title: 'Running since',
        width: 24,
        unit: 'dateTimeAsIso',
        height: 6,
        description:
          'Each IMS-AGW with its version and its start. A start in the time shown is a restart: its sessions before were lost.',
        columns: { namespace: 'Namespace', pod: 'Pod', version: 'Version' },
        value: 'Since',
        queries: [query(startAndVersion('agw'), '{{pod}}', true)],
        runbooks: ['IqgateAgwLostWithSessions'],
      }),
    ],
  );
